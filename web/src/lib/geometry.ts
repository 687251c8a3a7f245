// Bounding boxes of outlines. All coordinates are degrees, longitude first (EPSG:4326).
import type { MultiPolygon, Polygon } from "geojson";

/** The outline of a landslide. */
export type Outline = Polygon | MultiPolygon;

/** West, south, east, north. */
export type Bounds = [number, number, number, number];

/** The bounding box of an outline. */
export function boundsOf(outline: Outline): Bounds {
  const polygons = outline.type === "Polygon" ? [outline.coordinates] : outline.coordinates;
  const bounds: Bounds = [180, 90, -180, -90];
  for (const [x = 0, y = 0] of polygons.flat(2)) {
    bounds[0] = Math.min(bounds[0], x);
    bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x);
    bounds[3] = Math.max(bounds[3], y);
  }
  return bounds;
}

/** The bounding box of several boxes; there must be at least one. */
export function boundsOfAll(boxes: readonly Bounds[]): Bounds {
  const side = (index: 0 | 1 | 2 | 3, extreme: (...values: number[]) => number): number =>
    extreme(...boxes.map((box) => box[index]));
  return [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)];
}

/** The centre of an outline's bounding box: longitude, latitude. */
export function centreOf(outline: Outline): [number, number] {
  const [west, south, east, north] = boundsOf(outline);
  return [(west + east) / 2, (south + north) / 2];
}
