// Shifts of images on their way to the server: stored in the browser until the server has them.
//
// A reviewer moves an image by key after key, faster than a server answers. Each shift is the whole one, from where the
// file says, so only the newest of a scene counts: those that it has overtaken before they were sent are left out.
import type { BrowserStorage } from "../lib/storage.ts";
import { concernsPerson, RequestError } from "./api.ts";
import type { ImageShift } from "./types.ts";

const FIRST_RETRY_DELAY = 1000; // ms; doubled after each failure
const LONGEST_RETRY_DELAY = 15_000; // ms
const KEY_PREFIX = "shift.";

/** A shift that the server does not have yet. */
export interface PendingShift {
  scene: string;
  shift: ImageShift;
  by: string;
  /** ms since 1970; of two shifts the later one has the larger number. */
  madeAt: number;
}

/** How the queue sends, and whom it calls. */
export interface ShiftCallbacks {
  /** Gives what the server has stored. */
  send: (pending: PendingShift) => Promise<ImageShift>;
  /** The server has a scene's newest shift. */
  onSaved: (scene: string, stored: ImageShift) => void;
  /** The server refuses a shift, and would refuse it again. */
  onRefused: (scene: string, error: RequestError) => void;
  /** How many scenes have a shift that is not saved, and why it cannot be sent; null while it can. */
  onPendingChange: (count: number, reason: string | null) => void;
}

/** Sends the newest shift of each scene, one request at a time, and tries again until the server has it. */
export class ShiftQueue {
  private readonly storage: BrowserStorage;
  private readonly callbacks: ShiftCallbacks;
  private sending = false;
  private lastMadeAt = 0;
  private retryDelay = FIRST_RETRY_DELAY;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** Nothing is sent before `flush`, not even what an earlier page has left in the storage. */
  constructor(storage: BrowserStorage, callbacks: ShiftCallbacks) {
    this.storage = storage;
    this.callbacks = callbacks;
  }

  /** The newest shift of each scene that the server does not have. */
  get pending(): PendingShift[] {
    return this.storage
      .keys(KEY_PREFIX)
      .map((key) => this.storage.get<PendingShift | null>(key, null))
      .filter((entry) => entry !== null);
  }

  /** Store a scene's shift in place of an older one, and send it. Throws where the browser cannot store it. */
  set(scene: string, shift: ImageShift, by: string): void {
    this.lastMadeAt = Math.max(this.lastMadeAt + 1, Date.now());
    const pending: PendingShift = { scene, shift, by, madeAt: this.lastMadeAt };
    this.storage.set(KEY_PREFIX + scene, pending);
    void this.flush();
  }

  /** Send what is pending; where it cannot be sent now, try again later. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.retryTimer);
    let reason: string | null = null;
    let next: PendingShift | undefined;
    while (reason === null && (next = this.pending[0])) {
      this.callbacks.onPendingChange(this.pending.length, null);
      reason = await this.sendOne(next);
    }
    this.sending = false;
    this.callbacks.onPendingChange(this.pending.length, reason);
    if (reason === null) return;
    this.retryTimer = setTimeout(() => void this.flush(), this.retryDelay);
    this.retryDelay = Math.min(this.retryDelay * 2, LONGEST_RETRY_DELAY);
  }

  /** Forget all shifts that are not saved; gives their scenes. */
  discard(): string[] {
    const scenes = this.pending.map(({ scene }) => scene);
    for (const scene of scenes) this.storage.remove(KEY_PREFIX + scene);
    this.callbacks.onPendingChange(0, null);
    return scenes;
  }

  /** Send a shift; gives why it must wait, or null where it is saved or refused. */
  private async sendOne(pending: PendingShift): Promise<string | null> {
    try {
      const stored = await this.callbacks.send(pending);
      this.retryDelay = FIRST_RETRY_DELAY;
      if (this.removeUnlessOvertaken(pending)) this.callbacks.onSaved(pending.scene, stored);
    } catch (error) {
      if (!(error instanceof RequestError) || concernsPerson(error)) return (error as Error).message;
      if (this.removeUnlessOvertaken(pending)) this.callbacks.onRefused(pending.scene, error);
    }
    return null;
  }

  /** Remove what was sent, unless the reviewer has gone on meanwhile; gives whether it was removed. */
  private removeUnlessOvertaken({ scene, madeAt }: PendingShift): boolean {
    const key = KEY_PREFIX + scene;
    if (this.storage.get<PendingShift | null>(key, null)?.madeAt !== madeAt) return false;
    this.storage.remove(key);
    return true;
  }
}
