import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Outbox } from "../src/server/outbox.ts";
import { RequestError, UnreachableError } from "../src/server/api.ts";
import { BrowserStorage, type KeyValueStore } from "../src/lib/storage.ts";
import type { Decision } from "../src/server/types.ts";
import { MemoryStore } from "./memory-store.ts";

/** A server that counts versions and refuses what has changed, and that can be out of reach. */
class Server {
  reachable = true;
  refuses: RequestError | null = null;
  readonly versions: Record<string, number> = { l: 1, k: 1 };
  readonly made: string[] = [];
  readonly refused: string[] = [];
  pending: { count: number; reason: string | null } = { count: 0, reason: null };

  outbox(store: KeyValueStore): Outbox {
    return new Outbox(new BrowserStorage(store, "test"), {
      send: async (decision) => {
        await sleep(1);
        if (!this.reachable) throw new UnreachableError("the server does not answer");
        if (this.refuses) throw this.refuses;
        const changes = Object.entries(decision.landslides ?? {}).map(([id, version]) => {
          if (version !== this.versions[id]) throw new RequestError(409, "changed");
          this.versions[id] = version + 1;
          return { id, version_before: version, version_after: version + 1, status: "confirmed" as const };
        });
        this.made.push(decision.id);
        return { id: decision.id, changes, repeated: false, repairs: [] };
      },
      onSaved: () => {},
      onRefused: (decision) => this.refused.push(decision.id),
      onPendingChange: (count, reason) => {
        this.pending = { count, reason };
      },
    });
  }
}

const decision = (id: string, of = "l", version = 1, more: Partial<Decision> = {}): Decision => ({
  id,
  action: "accept",
  by: "eva",
  landslides: { [of]: version },
  ...more,
});
/** Long enough for a few answers of the server above, also on a busy machine. */
const settled = (): Promise<void> => sleep(250);

test("decisions are sent in their order, and nothing is kept of what the server has", async () => {
  const [server, store] = [new Server(), new MemoryStore()];
  const outbox = server.outbox(store);
  outbox.add(decision("a"));
  assert.equal(store.size, 1); // kept before it is sent
  outbox.add(decision("b", "k"));
  await settled();
  assert.deepEqual(server.made, ["a", "b"]);
  assert.equal(store.size, 0);
  assert.deepEqual(server.pending, { count: 0, reason: null });
});

test("out of reach they wait and say so, over a reload, and go when it is back", async () => {
  const [server, store] = [new Server(), new MemoryStore()];
  server.reachable = false;
  const before = server.outbox(store);
  for (const id of ["a", "b", "c"]) before.add(decision(id, id === "b" ? "k" : "l", id === "c" ? 2 : 1));
  await settled();
  assert.deepEqual(server.pending, { count: 3, reason: "the server does not answer" });
  assert.equal(store.size, 3);
  before.discard = () => []; // the old page is gone, its store is not
  const after = server.outbox(store);
  assert.deepEqual(
    after.decisions.map(({ id }) => id),
    ["a", "b", "c"],
  );
  server.reachable = true;
  await after.flush();
  assert.deepEqual(server.made, ["a", "b", "c"]);
  assert.equal(store.size, 0);
});

test("what is decided before the answer is on what the answer makes of it", async () => {
  const [server, store] = [new Server(), new MemoryStore()];
  const outbox = server.outbox(store);
  outbox.add(decision("a", "l", 1));
  outbox.add(decision("b", "l", 1));
  outbox.add(decision("c", "l", 1));
  await settled();
  assert.deepEqual(server.made, ["a", "b", "c"]);
  assert.equal(server.versions.l, 4);
});

test("a conflict is told, its undo is not sent, the others are", async () => {
  const [server, store] = [new Server(), new MemoryStore()];
  const outbox = server.outbox(store);
  outbox.add(decision("a", "l", 7));
  outbox.add({ id: "u", action: "undo", undoes: "a", by: "eva" });
  outbox.add(decision("b", "k"));
  await settled();
  assert.deepEqual(server.refused, ["a"]);
  assert.deepEqual(server.made, ["b"]);
  assert.equal(store.size, 0);
});

test("who is not known or may not decide loses nothing", async () => {
  const [server, store] = [new Server(), new MemoryStore()];
  server.refuses = new RequestError(401, "needs a valid token");
  const outbox = server.outbox(store);
  outbox.add(decision("a"));
  await settled();
  assert.deepEqual(server.pending, { count: 1, reason: "needs a valid token" });
  assert.deepEqual(server.refused, []);
  server.refuses = null;
  await outbox.flush();
  assert.deepEqual(server.made, ["a"]);
});

test("a browser that can keep nothing more says so, and the decision is not half there", () => {
  const [server, store] = [new Server(), new MemoryStore()];
  const outbox = server.outbox(store);
  store.full = true;
  assert.throws(() => outbox.add(decision("a")));
  assert.equal(outbox.decisions.length, 0);
});
