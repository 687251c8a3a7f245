import assert from "node:assert/strict";
import { test } from "node:test";
import { moved } from "../src/review/shift-steps.ts";

const none = { shift_east_m: null, shift_north_m: null, pre_shift_east_m: null, pre_shift_north_m: null };

test("images are moved together, or one of them apart", () => {
  const both = moved(none, "both", 3, -2);
  assert.deepEqual(both, { shift_east_m: 3, shift_north_m: -2, pre_shift_east_m: null, pre_shift_north_m: null });
  const apart = moved(both, "pre", 1, 0);
  assert.deepEqual(apart, { shift_east_m: 3, shift_north_m: -2, pre_shift_east_m: 4, pre_shift_north_m: -2 });
  const together = moved(apart, "both", 1, 1); // they stay apart by as much
  assert.deepEqual(together, { shift_east_m: 4, shift_north_m: -1, pre_shift_east_m: 5, pre_shift_north_m: -1 });
  assert.deepEqual(moved(together, "post", 1, 0), { ...both, shift_east_m: 5, shift_north_m: -1 });
});

test("no image is moved further than the server takes", () => {
  assert.equal(moved({ ...none, shift_east_m: 995 }, "both", 10, 0).shift_east_m, 1000);
});
