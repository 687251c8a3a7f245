// Shifts of images on their way to the server: stored in the browser until the server has them.
//
// A reviewer moves an image by key after key, faster than a server answers. Each shift is the whole one, from where the
// file says, so only the newest of a scene counts: those that it has overtaken before they were sent are left out.
import type { BrowserStorage } from "../lib/storage.ts";
import { concernsPerson, RequestError } from "./api.ts";
import { SendLoop } from "./send-loop.ts";
import type { ImageShift } from "./types.ts";

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
  private lastMadeAt = 0;
  private readonly loop: SendLoop;

  /** Nothing is sent before `flush`, not even what an earlier page has left in the storage. */
  constructor(storage: BrowserStorage, callbacks: ShiftCallbacks) {
    this.storage = storage;
    this.callbacks = callbacks;
    this.loop = new SendLoop({
      count: () => this.pending.length,
      sendFirst: () => this.sendFirst(),
      onPendingChange: callbacks.onPendingChange,
    });
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
  flush(): Promise<void> {
    return this.loop.flush();
  }

  /** Forget all shifts that are not saved; gives their scenes. */
  discard(): string[] {
    const scenes = this.pending.map(({ scene }) => scene);
    for (const scene of scenes) this.storage.remove(KEY_PREFIX + scene);
    this.callbacks.onPendingChange(0, null);
    return scenes;
  }

  /** Send the first shift; gives why it must wait, or null where it is saved or refused. */
  private async sendFirst(): Promise<string | null> {
    const pending = this.pending[0];
    if (!pending) return null;
    try {
      const stored = await this.callbacks.send(pending);
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
