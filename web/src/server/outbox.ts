// Decisions on their way: kept in the browser until the server has them on its disk, sent in their order.
import type { DecisionResult } from "./api.ts";
import { RequestError } from "./errors.ts";
import type { BrowserStorage } from "../lib/storage.ts";
import type { VersionChange, Decision } from "./types.ts";

const FIRST_RETRY_DELAY = 1000; // ms; twice as long after each failure
const LONGEST_RETRY_DELAY = 15_000;

export interface OutboxCallbacks {
  send: (decision: Decision) => Promise<DecisionResult>;
  /** The server has it. */
  onSaved: (decision: Decision, changes: VersionChange[]) => void;
  /** The server does not take it, now or ever. */
  onRefused: (decision: Decision, refusal: RequestError) => void;
  /** How many wait, and why; no reason while all is well. */
  onPendingChange: (count: number, reason: string | null) => void;
}

/** Whether a refusal is of who asks or of the server, not of the decision, which then stays. */
const mayPassLater = (refusal: RequestError): boolean => refusal.status === 401 || refusal.status === 403;

export class Outbox {
  private readonly storage: BrowserStorage;
  private readonly callbacks: OutboxCallbacks;
  private queue: { key: string; decision: Decision }[];
  private sending = false;
  private retryDelay = FIRST_RETRY_DELAY;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** Take up what an earlier page left; nothing is sent before `flush`. */
  constructor(storage: BrowserStorage, callbacks: OutboxCallbacks) {
    this.storage = storage;
    this.callbacks = callbacks;
    this.queue = storage
      .keys("outbox.")
      .map((key) => ({ key, decision: storage.get<Decision | null>(key, null) }))
      .filter((entry): entry is { key: string; decision: Decision } => entry.decision !== null);
  }

  get decisions(): readonly Decision[] {
    return this.queue.map(({ decision }) => decision);
  }

  /** Keep a decision and send it as soon as it is its turn. Throws where the browser cannot keep it. */
  add(decision: Decision): void {
    const last = this.queue.at(-1)?.key.split(".")[1] ?? "0";
    const key = `outbox.${String(Math.max(Number(last) + 1, Date.now())).padStart(16, "0")}.${decision.id}`;
    this.storage.set(key, decision);
    this.queue.push({ key, decision });
    void this.flush();
  }

  /** Send what waits, one after the other; what cannot be sent now is tried again later. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.retryTimer);
    let reason: string | null = null;
    while (this.queue.length && reason === null) {
      this.callbacks.onPendingChange(this.queue.length, null);
      reason = await this.sendFirst();
    }
    this.sending = false;
    this.callbacks.onPendingChange(this.queue.length, reason);
    if (reason === null) return;
    this.retryTimer = setTimeout(() => void this.flush(), this.retryDelay);
    this.retryDelay = Math.min(this.retryDelay * 2, LONGEST_RETRY_DELAY);
  }

  /** Give up the decisions that wait. */
  discard(): Decision[] {
    const discarded = this.queue.map(({ decision }) => decision);
    for (const { key } of this.queue) this.storage.remove(key);
    this.queue = [];
    this.callbacks.onPendingChange(0, null);
    return discarded;
  }

  private async sendFirst(): Promise<string | null> {
    const first = this.queue[0];
    if (!first) return null;
    try {
      const { changes } = await this.callbacks.send(first.decision);
      this.remove(first.key);
      this.updateVersions(changes);
      this.retryDelay = FIRST_RETRY_DELAY;
      this.callbacks.onSaved(first.decision, changes);
    } catch (error) {
      if (!(error instanceof RequestError) || mayPassLater(error)) return (error as Error).message;
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

  /** Decisions made on a landslide before the server had the one before them are on what that one made of it. */
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
