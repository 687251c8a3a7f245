// What a step does to the shift of a scene's images. The image before has a shift of its own only where it differs.
import type { ImageShift } from "../server/types.ts";
import type { ShiftTarget } from "../state.ts";

const MOST_SHIFT = 1000; // m each way; more the server does not take

/** A shift after some of its images were moved. */
export function moved(shift: ImageShift, target: ShiftTarget, east: number, north: number): ImageShift {
  const [preEast, preNorth] = preShift(shift);
  const movesPre = target !== "post";
  const movesPost = target !== "pre";
  const post: ImageShift = {
    ...shift,
    shift_east_m: limited((shift.shift_east_m ?? 0) + (movesPost ? east : 0)),
    shift_north_m: limited((shift.shift_north_m ?? 0) + (movesPost ? north : 0)),
  };
  return withPre(post, limited(preEast + (movesPre ? east : 0)), limited(preNorth + (movesPre ? north : 0)));
}

/** By how much the image before is moved: by its own shift, or by that of all images. */
function preShift(shift: ImageShift): [number, number] {
  if (shift.pre_shift_east_m !== null) return [shift.pre_shift_east_m, shift.pre_shift_north_m ?? 0];
  return [shift.shift_east_m ?? 0, shift.shift_north_m ?? 0];
}

/** A shift with that of the image before, which is left out where it is the same. */
function withPre(shift: ImageShift, east: number, north: number): ImageShift {
  const isSame = east === (shift.shift_east_m ?? 0) && north === (shift.shift_north_m ?? 0);
  return { ...shift, pre_shift_east_m: isSame ? null : east, pre_shift_north_m: isSame ? null : north };
}

const limited = (metres: number): number => Math.min(Math.max(metres, -MOST_SHIFT), MOST_SHIFT);

/** A shift after some of its images were put back to where their files say. */
export function atZero(shift: ImageShift, target: ShiftTarget): ImageShift {
  if (target === "pre") return withPre(shift, 0, 0);
  const zero = { shift_east_m: 0, shift_north_m: 0, pre_shift_east_m: null, pre_shift_north_m: null };
  return target === "post" ? withPre(zero, ...preShift(shift)) : zero;
}
