// Web Mercator (EPSG:3857) as maps divide it: at zoom 0 the world is a square of 512 pixels, doubled with each zoom.
import type { Bounds } from "./geometry.ts";

/** Pixels a side of the world at zoom 0, and of a tile. */
export const TILE_SIZE = 512;

/** Where a map looks: its centre (longitude, latitude) and its zoom. North is up. */
export interface Camera {
  center: [number, number];
  zoom: number;
}

/** A tile of the world: at zoom `z` column and row from the north-west. */
export interface TilePlace {
  z: number;
  x: number;
  y: number;
}

/** Share of the world's side, from the north-west, at which a place lies. */
function worldShare([longitude, latitude]: [number, number]): [number, number] {
  const radians = (latitude * Math.PI) / 180;
  return [(longitude + 180) / 360, (1 - Math.asinh(Math.tan(radians)) / Math.PI) / 2];
}

function placeAt([x, y]: [number, number]): [number, number] {
  return [x * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI];
}

/** By how many pixels a place lies right of and below the middle of a map. */
export function offsetFromCentre(place: [number, number], { center, zoom }: Camera): [number, number] {
  const side = TILE_SIZE * 2 ** zoom;
  const [[x, y], [centreX, centreY]] = [worldShare(place), worldShare(center)];
  return [(x - centreX) * side, (y - centreY) * side];
}

/** What a map of a width and a height in pixels shows. */
export function boundsInView({ center, zoom }: Camera, width: number, height: number): Bounds {
  const side = TILE_SIZE * 2 ** zoom;
  const [x, y] = worldShare(center);
  const [right, down] = [width / 2 / side, height / 2 / side];
  const [west, north] = placeAt([x - right, y - down]);
  const [east, south] = placeAt([x + right, y + down]);
  return [west, south, east, north];
}

/** The tiles of a zoom that lie in a box. */
export function tilesIn([west, south, east, north]: Bounds, z: number): TilePlace[] {
  const last = 2 ** z - 1;
  const index = (share: number): number => Math.min(Math.max(Math.floor(share * 2 ** z), 0), last);
  const [left, top] = worldShare([west, north]).map(index) as [number, number];
  const [right, bottom] = worldShare([east, south]).map(index) as [number, number];
  const tiles: TilePlace[] = [];
  for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) tiles.push({ z, x, y });
  return tiles;
}

/** The place in the middle of a tile. */
export const centreOfTile = ({ z, x, y }: TilePlace): [number, number] =>
  placeAt([(x + 0.5) / 2 ** z, (y + 0.5) / 2 ** z]);
