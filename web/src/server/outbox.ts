// Decisions on their way to the server: stored in the browser until the server has them on its disk.
import type { BrowserStorage } from "../lib/storage.ts";
import { concernsPerson, RequestError } from "./api.ts";
import { SendLoop } from "./send-loop.ts";
import type { Decision, DecisionResult, VersionChange } from "./types.ts";

const KEY_PREFIX = "outbox.";

/** How the outbox sends, and whom it calls. */
export interface OutboxCallbacks {
  send: (decision: Decision) => Promise<DecisionResult>;
  /** The server has made the decision. */
  onSaved: (decision: Decision, changes: VersionChange[]) => void;
  /** The server refuses the decision, and would refuse it again. */
  onRefused: (decision: Decision, error: RequestError) => void;
  /** How many decisions are pending, and why they cannot be sent; null while they can. */
  onPendingChange: (count: number, reason: string | null) => void;
}

/** A decision in the queue, and the key under which it is stored. */
interface PendingDecision {
  key: string;
  decision: Decision;
}

/**
 * A queue of decisions that are sent one after the other in the order in which they were made.
 *
 * A decision that cannot be sent stays, also over a reload of the page, and is tried again with growing delays.
 */
export class Outbox {
  private readonly storage: BrowserStorage;
  private readonly callbacks: OutboxCallbacks;
  private queue: PendingDecision[];
  private readonly loop: SendLoop;

  /** Load the decisions that an earlier page left in the storage; nothing is sent before `flush`. */
  constructor(storage: BrowserStorage, callbacks: OutboxCallbacks) {
    this.storage = storage;
    this.callbacks = callbacks;
    this.loop = new SendLoop({
      count: () => this.queue.length,
      sendFirst: () => this.sendFirst(),
      onPendingChange: callbacks.onPendingChange,
    });
    this.queue = storage
      .keys(KEY_PREFIX)
      .map((key) => ({ key, decision: storage.get<Decision | null>(key, null) }))
      .filter((entry): entry is PendingDecision => entry.decision !== null);
  }

  get decisions(): readonly Decision[] {
    return this.queue.map(({ decision }) => decision);
  }

  /** Store a decision and send it when those before it are sent. Throws where the browser cannot store it. */
  add(decision: Decision): void {
    // Keys are sorted as text, so they begin with a number of fixed width that always grows.
    const last = this.queue.at(-1)?.key.split(".")[1] ?? "0";
    const number = Math.max(Number(last) + 1, Date.now());
    const key = `${KEY_PREFIX}${String(number).padStart(16, "0")}.${decision.id}`;
    this.storage.set(key, decision);
    this.queue.push({ key, decision });
    void this.flush();
  }

  /** Send all pending decisions; where one cannot be sent now, try again later. */
  flush(): Promise<void> {
    return this.loop.flush();
  }

  /** Remove all pending decisions without sending them, and return them. */
  discard(): Decision[] {
    const discarded = this.queue.map(({ decision }) => decision);
    for (const { key } of this.queue) this.storage.remove(key);
    this.queue = [];
    this.callbacks.onPendingChange(0, null);
    return discarded;
  }

  /** Send the first decision; returns why it must wait, or null where it is saved or refused. */
  private async sendFirst(): Promise<string | null> {
    const first = this.queue[0];
    if (!first) return null;
    try {
      const { changes } = await this.callbacks.send(first.decision);
      this.remove(first.key);
      this.updateVersions(changes);
      this.callbacks.onSaved(first.decision, changes);
    } catch (error) {
      if (!(error instanceof RequestError) || concernsPerson(error)) return (error as Error).message;
      this.remove(first.key);
      for (const { key, decision } of this.queue) if (decision.undoes === first.decision.id) this.remove(key);
      this.callbacks.onRefused(first.decision, error);
    }
    return null;
  }

  private remove(key: string): void {
    this.storage.remove(key);
    this.queue = this.queue.filter((entry) => entry.key !== key);
  }

  /**
   * Let pending decisions refer to the versions that a saved one made.
   *
   * A reviewer may decide twice on a landslide before the server has answered once: the second decision then names
   * the version before the first one, and would be refused as a conflict with the reviewer's own decision.
   */
  private updateVersions(changes: VersionChange[]): void {
    for (const entry of this.queue) {
      const { key, decision } = entry;
      const updated = changes.filter((change) => decision.landslides?.[change.id] === change.version_before);
      if (!updated.length) continue;
      const landslides = { ...decision.landslides };
      for (const change of updated) landslides[change.id] = change.version_after;
      entry.decision = { ...decision, landslides };
      this.storage.set(key, entry.decision);
    }
  }
}
