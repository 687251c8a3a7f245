// Undo and redo without limit.
import type { BrowserStorage } from "../lib/storage.ts";
import type { Action, ImageShift, Landslide } from "../server/types.ts";

/** A shift of a scene's images that can be undone or redone. */
export interface ShiftChange {
  scene: string;
  before: ImageShift;
  after: ImageShift;
}

/** A decision, or a shift of images, that can be undone or redone. */
export interface HistoryEntry {
  /** Id of the decision: of the last one that made it, undid it or redid it. */
  id: string;
  action: UndoableAction;
  /** The landslide to go back to; null where a new one was drawn, and for a shift. */
  landslideId: string | null;
  /** The landslide before the decision; it is not stored, so it is missing after a reload. */
  before?: Landslide | undefined;
  /** Of the action `shift`. */
  shift?: ShiftChange;
}

/** What undo and redo apply to. */
export type UndoableAction = Exclude<Action, "undo"> | "shift";

/** An entry as it is stored; the names are those that earlier versions of the page stored. */
interface StoredEntry {
  id: string;
  action: UndoableAction;
  of: string | null;
  shift?: ShiftChange;
}

/**
 * The decisions made in this browser, stored so that they can be undone after a reload.
 *
 * The server undoes a decision by a new decision, and undoes that one in turn to redo it. So `undo` and `redo` take the
 * id of the new decision, by which the entry is undone the next time.
 */
export class DecisionHistory {
  private readonly storage: BrowserStorage;
  private done: HistoryEntry[];
  private undone: HistoryEntry[];

  constructor(storage: BrowserStorage) {
    this.storage = storage;
    this.done = this.read("history.done");
    this.undone = this.read("history.undone");
  }

  get lastDone(): HistoryEntry | undefined {
    return this.done.at(-1);
  }

  get lastUndone(): HistoryEntry | undefined {
    return this.undone.at(-1);
  }

  /** Add a new decision; what was undone before cannot be redone any more. */
  add(entry: HistoryEntry): void {
    this.done.push(entry);
    this.undone = [];
    this.save();
  }

  /** Replace what an entry has shifted; returns false where it is not the last one any more. */
  amendShift(id: string, shift: ShiftChange): boolean {
    const entry = this.lastDone;
    if (entry?.id !== id) return false;
    entry.shift = shift;
    this.save();
    return true;
  }

  /** Note that the last decision was undone, by the decision with this id. */
  undo(decisionId: string): void {
    const entry = this.done.pop();
    if (entry) this.undone.push({ ...entry, id: decisionId });
    this.save();
  }

  /** Note that what was undone last was redone, by the decision with this id. */
  redo(decisionId: string): void {
    const entry = this.undone.pop();
    if (entry) this.done.push({ ...entry, id: decisionId });
    this.save();
  }

  /** Remove a decision that the server did not make. */
  forget(id: string): void {
    this.done = this.done.filter((entry) => entry.id !== id);
    this.undone = this.undone.filter((entry) => entry.id !== id);
    this.save();
  }

  private read(key: string): HistoryEntry[] {
    const stored = this.storage.get<StoredEntry[]>(key, []);
    return stored.map(({ id, action, of, shift }) => ({ id, action, landslideId: of, ...(shift ? { shift } : {}) }));
  }

  private save(): void {
    const stored = (entries: HistoryEntry[]): StoredEntry[] =>
      entries.map(({ id, action, landslideId, shift }) => ({
        id,
        action,
        of: landslideId,
        ...(shift ? { shift } : {}),
      }));
    this.storage.set("history.done", stored(this.done));
    this.storage.set("history.undone", stored(this.undone));
  }
}
