// Boxes in degrees: west, south, east, north.
import type { Feature } from "../server/types.ts";

export type Box = [number, number, number, number];

/** The box around boxes. */
export function around(boxes: readonly (readonly [number, number, number, number])[]): Box {
  const side = (place: 0 | 1 | 2 | 3, of: (...values: number[]) => number): number =>
    of(...boxes.map((one) => one[place]));
  return [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)];
}

/** The box around a landslide. */
export function box({ geometry }: Feature): Box {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const found: Box = [180, 90, -180, -90];
  for (const [x = 0, y = 0] of polygons.flat(2)) {
    found[0] = Math.min(found[0], x);
    found[1] = Math.min(found[1], y);
    found[2] = Math.max(found[2], x);
    found[3] = Math.max(found[3], y);
  }
  return found;
}

/** The middle of a landslide's box. */
export function middle(feature: Feature): [number, number] {
  const [west, south, east, north] = box(feature);
  return [(west + east) / 2, (south + north) / 2];
}
