// Decisions on their way: kept in the browser until the server has them on its disk, sent in their order.
import type { Made } from "./api.ts";
import { Refusal } from "./errors.ts";
import type { Shelf } from "../lib/storage.ts";
import type { Change, Decision } from "./types.ts";

const FIRST_WAIT = 1000; // ms; twice as long after each failure
const LONGEST_WAIT = 15_000;

export interface Postman {
  send: (decision: Decision) => Promise<Made>;
  /** The server has it. */
  made: (decision: Decision, changes: Change[]) => void;
  /** The server does not take it, now or ever. */
  refused: (decision: Decision, refusal: Refusal) => void;
  /** How many wait, and why; no reason while all is well. */
  waiting: (count: number, reason: string | null) => void;
}

/** Whether a refusal is of who asks or of the server, not of the decision, which then stays. */
const mayPass = (refusal: Refusal): boolean => refusal.status === 401 || refusal.status === 403;

export class Outbox {
  private readonly shelf: Shelf;
  private readonly postman: Postman;
  private queue: { key: string; decision: Decision }[];
  private sending = false;
  private wait = FIRST_WAIT;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Take up what an earlier page left; nothing is sent before `flush`. */
  constructor(shelf: Shelf, postman: Postman) {
    this.shelf = shelf;
    this.postman = postman;
    this.queue = shelf
      .keys("outbox.")
      .map((key) => ({ key, decision: shelf.get<Decision | null>(key, null) }))
      .filter((kept): kept is { key: string; decision: Decision } => kept.decision !== null);
  }

  get decisions(): readonly Decision[] {
    return this.queue.map(({ decision }) => decision);
  }

  /** Keep a decision and send it as soon as it is its turn. Throws where the browser cannot keep it. */
  add(decision: Decision): void {
    const last = this.queue.at(-1)?.key.split(".")[1] ?? "0";
    const key = `outbox.${String(Math.max(Number(last) + 1, Date.now())).padStart(16, "0")}.${decision.id}`;
    this.shelf.set(key, decision);
    this.queue.push({ key, decision });
    void this.flush();
  }

  /** Send what waits, one after the other; what cannot be sent now is tried again later. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    let reason: string | null = null;
    while (this.queue.length && reason === null) {
      this.postman.waiting(this.queue.length, null);
      reason = await this.sendFirst();
    }
    this.sending = false;
    this.postman.waiting(this.queue.length, reason);
    if (reason === null) return;
    this.timer = setTimeout(() => void this.flush(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  /** Give up the decisions that wait. */
  discard(): Decision[] {
    const gone = this.queue.map(({ decision }) => decision);
    for (const { key } of this.queue) this.shelf.remove(key);
    this.queue = [];
    this.postman.waiting(0, null);
    return gone;
  }

  private async sendFirst(): Promise<string | null> {
    const first = this.queue[0];
    if (!first) return null;
    try {
      const { changes } = await this.postman.send(first.decision);
      this.take(first.key);
      this.follow(changes);
      this.wait = FIRST_WAIT;
      this.postman.made(first.decision, changes);
    } catch (error) {
      if (!(error instanceof Refusal) || mayPass(error)) return (error as Error).message;
      this.take(first.key);
      for (const { key, decision } of this.queue) if (decision.undoes === first.decision.id) this.take(key);
      this.postman.refused(first.decision, error);
    }
    return null;
  }

  private take(key: string): void {
    this.shelf.remove(key);
    this.queue = this.queue.filter((waiting) => waiting.key !== key);
  }

  /** Decisions made on a landslide before the server had the one before them are on what that one made of it. */
  private follow(changes: Change[]): void {
    for (const waiting of this.queue) {
      const { key, decision } = waiting;
      const moved = changes.filter((change) => decision.landslides?.[change.id] === change.version_before);
      if (!moved.length) continue;
      const landslides = { ...decision.landslides };
      for (const change of moved) landslides[change.id] = change.version_after;
      waiting.decision = { ...decision, landslides };
      this.shelf.set(key, waiting.decision);
    }
  }
}
