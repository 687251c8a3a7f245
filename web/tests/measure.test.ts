import assert from "node:assert/strict";
import { test } from "node:test";
import { enclosedArea, lineLength } from "../src/lib/measure.ts";

const isNear = (value: number, expected: number, share: number): void =>
  assert.ok(Math.abs(value - expected) <= share * expected, `${value} is not ${expected}`);

test("lengths are those of GeographicLib", () => {
  isNear(
    lineLength([
      [0, 0],
      [1, 0],
    ]),
    111_319.491,
    1e-6,
  );
  isNear(
    lineLength([
      [0, 0],
      [0, 1],
    ]),
    110_574.389,
    1e-6,
  );
  isNear(
    lineLength([
      [141.9, 42.7],
      [141.95, 42.7],
      [141.95, 42.72],
    ]),
    4097.35 + 2221.62,
    1e-4,
  );
  isNear(
    lineLength([
      [179.9, 0],
      [-179.9, 0],
    ]),
    22_263.898,
    1e-6,
  );
  assert.equal(lineLength([[7, 46]]), 0);
  assert.equal(lineLength([]), 0);
});

test("areas are those of the ellipsoid", () => {
  isNear(
    enclosedArea([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ]),
    12_308_778_361,
    1e-4,
  );
  isNear(
    enclosedArea([
      [0, 1],
      [1, 1],
      [1, 0],
      [0, 0],
    ]),
    12_308_778_361,
    1e-4,
  );
  isNear(
    enclosedArea([
      [179.9, 0],
      [-179.9, 0],
      [-179.9, 0.1],
      [179.9, 0.1],
    ]),
    246_184_000,
    1e-3,
  );
  assert.equal(
    enclosedArea([
      [7, 46],
      [7.1, 46],
    ]),
    0,
  );
});
