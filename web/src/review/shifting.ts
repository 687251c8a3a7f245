// The mode in which a reviewer moves images that lie off, by the arrow keys or by buttons.
import type { ImageShift } from "../server/types.ts";
import { type ShiftTarget, state } from "../state.ts";
import { recordShift } from "./decisions.ts";
import { setImageShift, shiftOf } from "./image-shifts.ts";
import { atZero, moved } from "./shift-steps.ts";

const SHIFT_STEP = 1; // m
const LARGE_SHIFT_STEP = 10; // m
const TARGETS: readonly ShiftTarget[] = ["both", "pre", "post"];

/** Names of the images that can be moved. */
export const TARGET_LABELS: Record<ShiftTarget, string> = { both: "both images", pre: "before", post: "after" };

/** The scene that is being moved and how it was at first: undo takes back all moves since then at once. */
let begun: { scene: string; before: ImageShift; entry: string | null } | null = null;

/** Begin a series of moves, which undo takes back as one. */
export function beginShiftSeries(): void {
  begun = null;
}

/** Whether images were moved in the present series, so that undo takes back that and not a decision. */
export const hasShifted = (): boolean => begun !== null;

/** What the mode says of itself. */
export const shiftHint = (): string =>
  `Arrows move ${TARGET_LABELS[state.shiftTarget.value]} by 1 m, with Shift by 10 m · Tab: both, before or after · ` +
  "Backspace back to zero · Z takes it back · Enter or Esc ends";

/** Move the images of the scene in view by steps; `large` takes ten at once. */
export function moveImages(right: number, down: number, large = false): void {
  const step = large ? LARGE_SHIFT_STEP : SHIFT_STEP;
  change((shift) => moved(shift, state.shiftTarget.value, right * step, -down * step));
}

/** Put the images of the scene in view back to where their files say. */
export function resetImages(): void {
  change((shift) => atZero(shift, state.shiftTarget.value));
}

/** Choose which images are moved: the next choice, or the one before. */
export function chooseTarget(step: 1 | -1): void {
  const index = TARGETS.indexOf(state.shiftTarget.value) + step;
  state.shiftTarget.value = TARGETS[(index + TARGETS.length) % TARGETS.length] ?? "both";
}

/** Change the shift of the scene in view, and let undo take back the whole series. */
function change(next: (shift: ImageShift) => ImageShift): void {
  const scene = state.scene.value;
  if (!scene) return;
  const before = shiftOf(scene);
  const after = next(before);
  if (!setImageShift(scene.id, after)) return;
  if (begun?.scene !== scene.id) begun = { scene: scene.id, before, entry: null };
  begun.entry = recordShift({ scene: scene.id, before: begun.before, after }, begun.entry);
}
