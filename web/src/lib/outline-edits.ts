// Changes of a whole outline: smooth, simplify, reshape by a line, remove corners. All of them keep it free of
// crossings: a change that would make an outline cross itself is left out, or refused by null.
//
// Corners are degrees, longitude first. At the size of a landslide they are taken as plane coordinates, in which only
// relations of areas and orders along a line matter.
import type { Position } from "geojson";
import type { Outline } from "./geometry.ts";

/** A closed ring: its last position is its first. */
type Ring = Position[];
type Polygons = Ring[][];

const FEWEST_CORNERS = 4; // that simplifying leaves
const SIMPLIFIED_SHARE = 0.75; // of the corners that simplifying once leaves
const MOST_CORNERS = 4000; // from which on smoothing adds no more

const polygonsOf = (outline: Outline): Polygons =>
  outline.type === "Polygon" ? [outline.coordinates] : outline.coordinates;

const outlineFrom = (coordinates: Polygons): Outline => ({ type: "MultiPolygon", coordinates });

const x = (position: Position): number => position[0] ?? 0;
const y = (position: Position): number => position[1] ?? 0;

/** How many corners an outline has. */
export const countCorners = (outline: Outline): number =>
  polygonsOf(outline)
    .flat()
    .reduce((count, ring) => count + ring.length - 1, 0);

/** Round off the corners, by Chaikin's method: each is replaced by the points at a quarter of its two edges. */
export function smoothOutline(outline: Outline): Outline {
  if (2 * countCorners(outline) > MOST_CORNERS) return outline;
  return outlineFrom(polygonsOf(outline).map((rings) => rings.map(cutCorners)));
}

function cutCorners(ring: Ring): Ring {
  const between = (from: Position, to: Position, share: number): Position => [
    x(from) + share * (x(to) - x(from)),
    y(from) + share * (y(to) - y(from)),
  ];
  const corners = ring.slice(1).flatMap((to, index) => {
    const from = ring[index] ?? to;
    return [between(from, to, 0.25), between(from, to, 0.75)];
  });
  return close(corners);
}

/**
 * Remove a quarter of the corners, those that shape the outline least (Visvalingam and Whyatt 1993): a corner counts by
 * the area of the triangle that it makes with its neighbours. A corner stays where another one lies in that triangle,
 * because rings would cross without it.
 */
export function simplifyOutline(outline: Outline): Outline {
  const polygons = polygonsOf(outline).map((rings) => rings.map((ring) => ring.slice(1)));
  const rings = polygons.flat();
  let surplus = Math.floor(rings.reduce((count, ring) => count + ring.length, 0) * (1 - SIMPLIFIED_SHARE));
  while (surplus-- > 0 && removeLeastCorner(rings));
  return outlineFrom(polygons.map((open) => open.map(close)));
}

/** Remove the corner that matters least from open rings; returns false where none can be removed. */
function removeLeastCorner(rings: Position[][]): boolean {
  const corners = rings
    .filter((ring) => ring.length > FEWEST_CORNERS)
    .flatMap((ring) => ring.map((_, index) => ({ ring, index, area: areaOfCorner(ring, index) })))
    .sort((one, other) => one.area - other.area);
  const removable = corners.find(({ ring, index }) => !cutsOff(rings, ring, index));
  removable?.ring.splice(removable.index, 1);
  return removable !== undefined;
}

const neighbours = (ring: Position[], index: number): [Position, Position, Position] =>
  [-1, 0, 1].map((step) => ring[(index + step + ring.length) % ring.length] ?? [0, 0]) as [
    Position,
    Position,
    Position,
  ];

const areaOfCorner = (ring: Position[], index: number): number => Math.abs(turn(...neighbours(ring, index)));

/** Whether the triangle that the outline loses or gains without a corner holds another corner. */
function cutsOff(rings: Position[][], ring: Position[], index: number): boolean {
  const triangle = neighbours(ring, index);
  return rings.flat().some((corner) => !triangle.includes(corner) && isInTriangle(corner, triangle));
}

/** Twice the area of a triangle, positive where its corners follow each other anticlockwise. */
const turn = (a: Position, b: Position, c: Position): number =>
  (x(b) - x(a)) * (y(c) - y(a)) - (y(b) - y(a)) * (x(c) - x(a));

function isInTriangle(corner: Position, [a, b, c]: [Position, Position, Position]): boolean {
  const turns = [turn(a, b, corner), turn(b, c, corner), turn(c, a, corner)];
  return turns.every((value) => value >= 0) || turns.every((value) => value <= 0);
}

/** The outline without some corners; null where a ring would be left with fewer than three, or would cross. */
export function removeCorners(outline: Outline, isRemoved: (corner: Position) => boolean): Outline | null {
  const polygons = polygonsOf(outline).map((rings) =>
    rings.map((ring) => close(ring.slice(1).filter((corner) => !isRemoved(corner)))),
  );
  const tooSmall = polygons.flat().some((ring) => ring.length < 4);
  return tooSmall || polygons.flat().some(crossesItself) ? null : outlineFrom(polygons);
}

/**
 * Replace a part of the outline by a line that crosses it at least twice: the part between the first and the last
 * crossing. Of the two outlines that this can give, the larger one stays. So a line that bulges out adds, and one that
 * runs through the inside cuts off the smaller side.
 *
 * @returns The new outline; null where the line does not cross one ring twice, or the outline would cross itself.
 */
export function reshapeOutline(outline: Outline, line: Position[]): Outline | null {
  const polygons = polygonsOf(outline);
  for (const [part, rings] of polygons.entries())
    for (const [place, ring] of rings.entries()) {
      const crossings = crossingsOf(ring, line);
      const [first, last] = [crossings[0], crossings.at(-1)];
      if (!first || !last || first === last) continue;
      const reshaped = replacePart(ring, line, first, last);
      if (crossesItself(reshaped)) return null;
      const changed = rings.map((other, index) => (index === place ? reshaped : other));
      return outlineFrom(polygons.map((other, index) => (index === part ? changed : other)));
    }
  return null;
}

/** Where a line crosses a ring: at which edge of each, how far along it, and where. */
interface Crossing {
  lineEdge: number;
  lineShare: number;
  ringEdge: number;
  ringShare: number;
  position: Position;
}

/** The crossings in their order along the line. */
function crossingsOf(ring: Ring, line: Position[]): Crossing[] {
  const crossings: Crossing[] = [];
  for (let lineEdge = 0; lineEdge + 1 < line.length; lineEdge++)
    for (let ringEdge = 0; ringEdge + 1 < ring.length; ringEdge++) {
      const shares = crossingShares(line[lineEdge], line[lineEdge + 1], ring[ringEdge], ring[ringEdge + 1]);
      if (!shares) continue;
      const [from, to] = [line[lineEdge] ?? [0, 0], line[lineEdge + 1] ?? [0, 0]];
      const position = [x(from) + shares[0] * (x(to) - x(from)), y(from) + shares[0] * (y(to) - y(from))];
      crossings.push({ lineEdge, lineShare: shares[0], ringEdge, ringShare: shares[1], position });
    }
  return crossings.sort((one, other) => one.lineEdge + one.lineShare - other.lineEdge - other.lineShare);
}

/** How far along each of two edges they cross, as shares of their lengths; null where they do not. */
function crossingShares(
  a: Position = [0, 0],
  b: Position = [0, 0],
  c: Position = [0, 0],
  d: Position = [0, 0],
): [number, number] | null {
  const across = (x(b) - x(a)) * (y(d) - y(c)) - (y(b) - y(a)) * (x(d) - x(c));
  if (across === 0) return null; // parallel
  const first = ((x(c) - x(a)) * (y(d) - y(c)) - (y(c) - y(a)) * (x(d) - x(c))) / across;
  const second = ((x(c) - x(a)) * (y(b) - y(a)) - (y(c) - y(a)) * (x(b) - x(a))) / across;
  return first >= 0 && first <= 1 && second >= 0 && second < 1 ? [first, second] : null;
}

function replacePart(ring: Ring, line: Position[], first: Crossing, last: Crossing): Ring {
  const middle = line.slice(first.lineEdge + 1, last.lineEdge + 1);
  const path = [first.position, ...middle, last.position];
  const onwards = close([...path, ...cornersBetween(ring, last, first)]);
  const backwards = close([...path, ...cornersBetween(ring, first, last).reverse()]);
  return Math.abs(signedArea(onwards)) >= Math.abs(signedArea(backwards)) ? onwards : backwards;
}

/** The corners of a ring that follow one crossing and precede another, in the order of the ring. */
function cornersBetween(ring: Ring, from: Crossing, to: Crossing): Position[] {
  const corners = ring.slice(0, -1);
  const sameEdge = from.ringEdge === to.ringEdge;
  const goesRound = sameEdge && from.ringShare > to.ringShare;
  const steps = goesRound ? corners.length : (to.ringEdge - from.ringEdge + corners.length) % corners.length;
  return Array.from({ length: steps }, (_, step) => corners[(from.ringEdge + 1 + step) % corners.length] ?? [0, 0]);
}

/** Twice the area that a ring encloses, positive where it runs anticlockwise. */
const signedArea = (ring: Ring): number =>
  ring.slice(1).reduce((sum, to, index) => {
    const from = ring[index] ?? to;
    return sum + x(from) * y(to) - x(to) * y(from);
  }, 0);

/** Whether two edges of a ring that are not neighbours meet. */
function crossesItself(ring: Ring): boolean {
  const count = ring.length - 1;
  for (let one = 0; one < count; one++)
    for (let other = one + 2; other < count; other++) {
      const areNeighbours = one === 0 && other === count - 1;
      if (!areNeighbours && crossingShares(ring[one], ring[one + 1], ring[other], ring[other + 1])) return true;
    }
  return false;
}

/** A ring of corners, whose first one is repeated at the end. */
const close = (corners: Position[]): Ring => (corners[0] ? [...corners, corners[0]] : []);

/** Whether a place lies within an outline; on its border either may be answered. */
export function containsPlace(outline: Outline, place: Position): boolean {
  return polygonsOf(outline).some((rings) => rings.filter((ring) => isInRing(ring, place)).length % 2 === 1);
}

function isInRing(ring: Ring, place: Position): boolean {
  let inside = false;
  for (let index = 0; index + 1 < ring.length; index++) {
    const [from, to] = [ring[index] ?? [0, 0], ring[index + 1] ?? [0, 0]];
    const spans = y(from) > y(place) !== y(to) > y(place);
    if (spans && x(place) < ((x(to) - x(from)) * (y(place) - y(from))) / (y(to) - y(from)) + x(from)) inside = !inside;
  }
  return inside;
}
