import assert from "node:assert/strict";
import { test } from "node:test";
import {
  COMMANDS,
  commandForKey,
  DEFAULT_BINDINGS,
  isTextField,
  type KeyPress,
  restoreBindings,
  rebind,
} from "../src/review/keys.ts";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: "",
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...more,
});

test("every command has a key of its own", () => {
  assert.equal(new Set(Object.values(DEFAULT_BINDINGS)).size, COMMANDS.length);
  for (const { name, key } of COMMANDS) assert.equal(commandForKey(press(key), DEFAULT_BINDINGS), name);
});

test("capitals are the same keys, the browser's own stay its own", () => {
  assert.equal(commandForKey(press("A"), DEFAULT_BINDINGS), "accept");
  assert.equal(commandForKey(press("r", { ctrlKey: true }), DEFAULT_BINDINGS), null);
  assert.equal(commandForKey(press("a", { metaKey: true }), DEFAULT_BINDINGS), null);
  assert.equal(commandForKey(press("j"), DEFAULT_BINDINGS), null);
});

test("letters of other alphabets are keys by their place, Latin ones never", () => {
  for (const [key, code, name] of [
    ["ф", "KeyA", "accept"],
    ["К", "KeyR", "reject"],
    ["ש", "KeyA", "accept"],
    ["ㅁ", "KeyA", "accept"],
    ["χ", "KeyX", "many"],
    ["х", "BracketLeft", "swipe left"],
    ["۱", "Digit1", "probability"],
  ] as const)
    assert.equal(commandForKey(press(key, { code }), DEFAULT_BINDINGS), name, key);
  assert.equal(commandForKey(press("q", { code: "KeyA" }), DEFAULT_BINDINGS), "outline"); // a French keyboard
  assert.equal(commandForKey(press("ö", { code: "Semicolon" }), DEFAULT_BINDINGS), null);
  assert.equal(commandForKey(press("ф", { code: "KeyA", ctrlKey: true }), DEFAULT_BINDINGS), null);
});

test("a key that another command has is exchanged, so none is lost", () => {
  const changed = rebind(DEFAULT_BINDINGS, "accept", "r");
  assert.ok(changed);
  assert.equal(changed.accept, "r");
  assert.equal(changed.reject, "a");
  assert.equal(commandForKey(press("r"), changed), "accept");
  assert.equal(new Set(Object.values(changed)).size, COMMANDS.length);
});

test("keys of modes, fields and the browser cannot be taken", () => {
  for (const key of ["Enter", "Escape", "Tab", " ", "ArrowUp", "Shift", null])
    assert.equal(rebind(DEFAULT_BINDINGS, "accept", key), null);
});

test("bindings are kept; those of another version or a broken store are not", () => {
  const changed = rebind(DEFAULT_BINDINGS, "flip", "x");
  assert.deepEqual(restoreBindings(JSON.parse(JSON.stringify(changed))), changed);
  assert.deepEqual(restoreBindings({}), DEFAULT_BINDINGS);
  assert.deepEqual(restoreBindings({ accept: 7, gone: "k" }), DEFAULT_BINDINGS);
  assert.deepEqual(restoreBindings({ accept: "r", reject: "r" }), DEFAULT_BINDINGS); // two on one key
  const older = Object.fromEntries(
    Object.entries(changed ?? {}).filter(([name]) => name !== "search" && name !== "link"),
  );
  const restored = restoreBindings({ ...older, filters: "/" }); // which is the key of the search today
  assert.deepEqual([restored.filters, restored.search, restored.flip], ["/", DEFAULT_BINDINGS.filters, "x"]);
});

test("keys are dead where somebody types or chooses by letters", () => {
  for (const tagName of ["TEXTAREA", "SELECT", "INPUT"]) assert.ok(isTextField({ tagName }));
  assert.ok(isTextField({ tagName: "INPUT", type: "number" }));
  assert.ok(isTextField({ tagName: "DIV", isContentEditable: true }));
  for (const type of ["checkbox", "range"]) assert.ok(!isTextField({ tagName: "INPUT", type }));
  assert.ok(!isTextField({ tagName: "CANVAS" }));
  assert.ok(!isTextField(null));
});
