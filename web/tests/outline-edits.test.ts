import assert from "node:assert/strict";
import { test } from "node:test";
import type { Position } from "geojson";
import type { Outline } from "../src/lib/geometry.ts";
import {
  containsPlace,
  countCorners,
  removeCorners,
  reshapeOutline,
  simplifyOutline,
  smoothOutline,
} from "../src/lib/outline-edits.ts";

const SQUARE: Position[] = [
  [0, 0],
  [4, 0],
  [4, 4],
  [0, 4],
  [0, 0],
];
const HOLE: Position[] = [
  [1, 1],
  [1, 3],
  [3, 3],
  [3, 1],
  [1, 1],
];

const polygon = (...coordinates: Position[][]): Outline => ({ type: "Polygon", coordinates });

const ringsOf = (outline: Outline | null): Position[][] =>
  outline?.type === "MultiPolygon" ? outline.coordinates.flat() : [];

function areaOf(outline: Outline | null): number {
  const areas = ringsOf(outline).map((ring) =>
    ring.slice(1).reduce((sum, [x = 0, y = 0], index) => {
      const [fromX = 0, fromY = 0] = ring[index] ?? [];
      return sum + (fromX * y - x * fromY) / 2;
    }, 0),
  );
  return Math.abs(areas[0] ?? 0) - areas.slice(1).reduce((sum, area) => sum + Math.abs(area), 0);
}

test("smoothing cuts each corner off, those of holes too", () => {
  const smooth = smoothOutline(polygon(SQUARE, HOLE));
  assert.equal(countCorners(smooth), 16);
  assert.ok(!ringsOf(smooth)[0]?.some(([x, y]) => x === 0 && y === 0));
  assert.equal(areaOf(smooth), 16 - 2 - (4 - 0.5));
});

test("smoothing a huge outline adds no corners", () => {
  const ring = Array.from({ length: 3000 }, (_, i): Position => [Math.cos(i / 500), Math.sin(i / 500)]);
  const outline = polygon([...ring, ring[0] ?? [0, 0]]);
  assert.equal(smoothOutline(outline), outline);
});

test("simplifying removes the corners that matter least", () => {
  const ring = [...SQUARE.slice(0, 2), [4.001, 1], [4, 2], [3.999, 3], ...SQUARE.slice(2)];
  const simple = simplifyOutline(polygon(ring));
  assert.equal(countCorners(simple), 6);
  assert.ok(SQUARE.every(([x, y]) => ringsOf(simple)[0]?.some(([a, b]) => a === x && b === y)));
  assert.equal(countCorners(simplifyOutline(simplifyOutline(simplifyOutline(simple)))), 4);
});

test("simplifying keeps a corner without which the outline would run over a hole", () => {
  const bulge: Position[] = [
    [0, 0],
    [2, -0.1],
    [4, 0],
    [4, 4],
    [0, 4],
    [0, 0],
  ];
  const hole: Position[] = [
    [1.9, -0.03],
    [2.0, 0.5],
    [2.1, -0.03],
    [2, -0.04],
    [1.9, -0.03],
  ];
  const simple = simplifyOutline(polygon(bulge, hole));
  assert.ok(ringsOf(simple)[0]?.some(([, y]) => y === -0.1));
});

test("a line that bulges out adds, one through the inside cuts off the smaller side", () => {
  const added = reshapeOutline(polygon(SQUARE), [
    [3, 1],
    [6, 1],
    [6, 3],
    [3, 3],
  ]);
  assert.equal(areaOf(added), 16 + 4);
  const cut = reshapeOutline(polygon(SQUARE), [
    [3, -1],
    [3, 5],
  ]);
  assert.equal(areaOf(cut), 12);
  const notch = reshapeOutline(polygon(SQUARE, HOLE), [
    [5, 1.5],
    [3.5, 2],
    [5, 2.5],
  ]);
  assert.ok(areaOf(notch) < 12 && areaOf(notch) > 11.5);
  assert.equal(ringsOf(notch).length, 2);
});

test("a line that crosses no ring twice changes nothing", () => {
  assert.equal(
    reshapeOutline(polygon(SQUARE), [
      [5, 5],
      [6, 6],
    ]),
    null,
  );
  assert.equal(
    reshapeOutline(polygon(SQUARE), [
      [2, 2],
      [6, 2],
    ]),
    null,
  );
  assert.equal(
    reshapeOutline(polygon(SQUARE), [
      [3, 1],
      [6, 1],
      [2, 6],
      [5, 3],
      [3, 2.5],
    ]),
    null,
  ); // crosses itself
});

test("several corners are removed at once, but a ring keeps three, and none crosses", () => {
  const ring = [...SQUARE.slice(0, 2), [5, 1], [5, 3], ...SQUARE.slice(2)];
  const outline = polygon(ring);
  assert.equal(areaOf(removeCorners(outline, ([x]) => x === 5)), 16);
  assert.equal(
    removeCorners(outline, ([x = 0]) => x > 0),
    null,
  );
  const spiral: Position[] = [
    [0, 0],
    [4, 0],
    [4, 4],
    [2, 2],
    [1, 6],
    [0, 4],
    [0, 0],
  ];
  assert.notEqual(
    removeCorners(polygon(spiral), ([x]) => x === 2),
    null,
  );
});

test("a place is within an outline, but not in its hole", () => {
  const outline = polygon(SQUARE, HOLE);
  assert.ok(containsPlace(outline, [0.5, 2]));
  assert.ok(!containsPlace(outline, [2, 2]));
  assert.ok(!containsPlace(outline, [5, 2]));
});
