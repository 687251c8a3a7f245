import assert from "node:assert/strict";
import { test } from "node:test";
import { BrowserStorage } from "../src/lib/storage.ts";
import { DecisionHistory } from "../src/review/history.ts";
import { MemoryStore } from "./memory-store.ts";

test("a decision is undone, redone and undone again by the ids of the decisions that did so", () => {
  const history = new DecisionHistory(new BrowserStorage(new MemoryStore(), "test"));
  history.add({ id: "a", action: "accept", landslideId: "l" });
  history.undo("b");
  assert.equal(history.lastDone?.id, undefined);
  assert.equal(history.lastUndone?.id, "b");
  history.redo("c");
  assert.equal(history.lastDone?.id, "c");
  history.undo("d");
  history.add({ id: "e", action: "reject", landslideId: "k" });
  assert.equal(history.lastUndone?.id, undefined); // after a new decision there is nothing to redo
});

test("the history that an earlier page stored is read, and stored in the same form", () => {
  const store = new MemoryStore();
  const storage = new BrowserStorage(store, "test");
  const stored = [{ id: "a", action: "accept", of: "l" }];
  storage.set("history.done", stored);
  const history = new DecisionHistory(storage);
  assert.deepEqual(history.lastDone, { id: "a", action: "accept", landslideId: "l" });
  history.add({ id: "b", action: "draw", landslideId: null });
  assert.deepEqual(storage.get("history.done", []), [...stored, { id: "b", action: "draw", of: null }]);
});
