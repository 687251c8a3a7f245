// Boxes in degrees: west, south, east, north.
import type { Landslide } from "../server/types.ts";

export type Bounds = [number, number, number, number];

/** The box around boxes. */
export function boundsOfAll(boxes: readonly (readonly [number, number, number, number])[]): Bounds {
  const side = (place: 0 | 1 | 2 | 3, of: (...values: number[]) => number): number =>
    of(...boxes.map((one) => one[place]));
  return [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)];
}

/** The box around a landslide. */
export function boundsOf({ geometry }: Landslide): Bounds {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const bounds: Bounds = [180, 90, -180, -90];
  for (const [x = 0, y = 0] of polygons.flat(2)) {
    bounds[0] = Math.min(bounds[0], x);
    bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x);
    bounds[3] = Math.max(bounds[3], y);
  }
  return bounds;
}

/** The middle of a landslide's box. */
export function centreOf(feature: Landslide): [number, number] {
  const [west, south, east, north] = boundsOf(feature);
  return [(west + east) / 2, (south + north) / 2];
}
