import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS, commandOf, DEFAULTS, isField, type Pressed, readBindings, rebind } from "../src/review/keys.ts";

const press = (key: string, more: Partial<Pressed> = {}): Pressed => ({
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...more,
});

test("every command has a key of its own", () => {
  assert.equal(new Set(Object.values(DEFAULTS)).size, COMMANDS.length);
  for (const { name, key } of COMMANDS) assert.equal(commandOf(press(key), DEFAULTS), name);
});

test("capitals are the same keys, the browser's own stay its own", () => {
  assert.equal(commandOf(press("A"), DEFAULTS), "accept");
  assert.equal(commandOf(press("r", { ctrlKey: true }), DEFAULTS), null);
  assert.equal(commandOf(press("a", { metaKey: true }), DEFAULTS), null);
  assert.equal(commandOf(press("q"), DEFAULTS), null);
});

test("a key that another command has is exchanged, so none is lost", () => {
  const changed = rebind(DEFAULTS, "accept", "r");
  assert.ok(changed);
  assert.equal(changed.accept, "r");
  assert.equal(changed.reject, "a");
  assert.equal(commandOf(press("r"), changed), "accept");
  assert.equal(new Set(Object.values(changed)).size, COMMANDS.length);
});

test("keys of modes, fields and the browser cannot be taken", () => {
  for (const key of ["Enter", "Escape", "Tab", " ", "ArrowUp", "Shift", null])
    assert.equal(rebind(DEFAULTS, "accept", key), null);
});

test("bindings are kept; those of another version or a broken store are not", () => {
  const changed = rebind(DEFAULTS, "flip", "x");
  assert.deepEqual(readBindings(JSON.parse(JSON.stringify(changed))), changed);
  assert.deepEqual(readBindings({}), DEFAULTS);
  assert.deepEqual(readBindings({ accept: 7, gone: "k" }), DEFAULTS);
  assert.deepEqual(readBindings({ accept: "r" }), DEFAULTS); // two on one key
});

test("keys are dead where somebody types or chooses by letters", () => {
  for (const tagName of ["TEXTAREA", "SELECT", "INPUT"]) assert.ok(isField({ tagName }));
  assert.ok(isField({ tagName: "INPUT", type: "number" }));
  assert.ok(isField({ tagName: "DIV", isContentEditable: true }));
  for (const type of ["checkbox", "range"]) assert.ok(!isField({ tagName: "INPUT", type }));
  assert.ok(!isField({ tagName: "CANVAS" }));
  assert.ok(!isField(null));
});
