import assert from "node:assert/strict";
import { test } from "node:test";
import { Trail } from "../src/review/trail.ts";

test("the trail goes back and forward, and a new landslide ends what lay ahead", () => {
  const trail = new Trail();
  assert.equal(trail.back(), undefined);
  for (const id of ["a", "b", "b", "c"]) trail.visit(id);
  assert.equal(trail.back(), "b");
  assert.equal(trail.back(), "a");
  assert.equal(trail.back(), undefined);
  assert.equal(trail.forward(), "b");
  trail.visit("b"); // it is selected there, which is no new step
  assert.equal(trail.forward(), "c");
  trail.back();
  trail.visit("d");
  assert.equal(trail.forward(), undefined);
  assert.equal(trail.back(), "b");
});
