import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BrowserStorage, type KeyValueStore } from "../src/lib/storage.ts";
import { RequestError, UnreachableError } from "../src/server/api.ts";
import { type PendingShift, ShiftQueue } from "../src/server/shift-queue.ts";
import type { ImageShift } from "../src/server/types.ts";
import { MemoryStore } from "./memory-store.ts";

const east = (metres: number): ImageShift => ({
  shift_east_m: metres,
  shift_north_m: 0,
  pre_shift_east_m: null,
  pre_shift_north_m: null,
});

/** A server that answers late, can be out of reach, and refuses. */
class Server {
  latency = 20; // ms
  reachable = true;
  refuses = false;
  readonly stored: Record<string, number | null> = {};
  readonly received: PendingShift[] = [];
  readonly saved: string[] = [];
  readonly refused: string[] = [];
  pending: { count: number; reason: string | null } = { count: 0, reason: null };

  queue(store: KeyValueStore): ShiftQueue {
    return new ShiftQueue(new BrowserStorage(store, "test"), {
      send: async (pending) => {
        await sleep(this.latency);
        if (!this.reachable) throw new UnreachableError("the server does not answer");
        if (this.refuses) throw new RequestError(422, "too far");
        this.received.push(pending);
        this.stored[pending.scene] = pending.shift.shift_east_m;
        return pending.shift;
      },
      onSaved: (scene, stored) => this.saved.push(`${scene} ${stored.shift_east_m}`),
      onRefused: (scene) => this.refused.push(scene),
      onPendingChange: (count, reason) => {
        this.pending = { count, reason };
      },
    });
  }

  /** Wait until nothing is under way any more. */
  async settled(until = (): boolean => this.pending.count === 0): Promise<void> {
    for (let waited = 0; waited < 5000 && !until(); waited += 5) await sleep(5);
    assert.ok(until());
  }
}

test("shifts made faster than the server answers end at the newest, and those between are left out", async () => {
  const server = new Server();
  const queue = server.queue(new MemoryStore());
  for (let metres = 1; metres <= 10; metres++) {
    queue.set("s", east(metres), "eva");
    await sleep(4);
  }
  queue.set("t", east(-3), "eva");
  await server.settled();
  assert.deepEqual(server.stored, { s: 10, t: -3 });
  assert.ok(server.received.length < 10);
  const numbers = server.received.filter(({ scene }) => scene === "s").map(({ madeAt }) => madeAt);
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  );
  assert.deepEqual(server.saved.toSorted(), ["s 10", "t -3"]); // told once, not for what was overtaken
});

test("a shift waits over a lost connection and a reload", async () => {
  const server = new Server();
  const store = new MemoryStore();
  server.reachable = false;
  const queue = server.queue(store);
  queue.set("s", east(1), "eva");
  queue.set("s", east(2), "eva");
  await server.settled(() => server.pending.reason !== null);
  assert.deepEqual(server.pending, { count: 1, reason: "the server does not answer" });
  server.reachable = true;
  const later = server.queue(store);
  assert.deepEqual(
    later.pending.map(({ shift }) => shift.shift_east_m),
    [2],
  );
  await later.flush();
  assert.deepEqual(server.stored, { s: 2 });
  await queue.flush(); // the old page has nothing left to send
  assert.equal(server.received.length, 1);
});

test("a refused shift is told and forgotten", async () => {
  const server = new Server();
  server.refuses = true;
  const queue = server.queue(new MemoryStore());
  queue.set("s", east(1), "eva");
  await server.settled(() => server.refused.length > 0);
  assert.deepEqual(server.refused, ["s"]);
  assert.equal(queue.pending.length, 0);
});
