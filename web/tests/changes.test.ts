import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../src/server/changes.ts";

test("events come out of pieces of any length, signs of life do not", () => {
  const text =
    'retry: 1000\nid: 1-a\nevent: ready\ndata: {}\n\n: nothing new\n\nid: 2-b\nevent: change\ndata: {"ids":[]}\n\n';
  const parser = new EventParser();
  const events = [...text].flatMap((letter) => parser.push(letter));
  assert.deepEqual(events, [
    { name: "ready", id: "1-a", data: "{}" },
    { name: "change", id: "2-b", data: '{"ids":[]}' },
  ]);
  assert.deepEqual(new EventParser().push(text), events);
});
