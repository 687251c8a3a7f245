import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsInView, centreOfTile, offsetFromCentre, tilesIn } from "../src/lib/mercator.ts";

test("a map of one tile's size, over the middle of a tile, shows that tile", () => {
  const center = centreOfTile({ z: 14, x: 2472, y: 5765 });
  const bounds = boundsInView({ center, zoom: 14 }, 511, 511);
  assert.deepEqual(tilesIn(bounds, 14), [{ z: 14, x: 2472, y: 5765 }]);
  assert.equal(tilesIn(boundsInView({ center, zoom: 14 }, 1023, 512.5), 14).length, 3 * 3);
});

test("pixels are counted from the middle, to the right and down", () => {
  const camera = { center: [0, 0] as [number, number], zoom: 1 };
  const [right, down] = offsetFromCentre([90, -85.05112878], camera);
  assert.ok(Math.abs(right - 256) < 1e-6 && Math.abs(down - 512) < 1e-3);
  const [west, south, east, north] = boundsInView(camera, 1024, 1024);
  assert.ok(Math.abs(west + 180) < 1e-9 && Math.abs(east - 180) < 1e-9);
  assert.ok(Math.abs(north - 85.05112878) < 1e-6 && Math.abs(south + 85.05112878) < 1e-6);
});
