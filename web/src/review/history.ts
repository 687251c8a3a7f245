// Undo and redo without limit.
import type { BrowserStorage } from "../lib/storage.ts";
import type { Action, Landslide } from "../server/types.ts";

/** A decision that can be undone or redone. */
export interface HistoryEntry {
  /** Id of the decision: of the last one that made it, undid it or redid it. */
  id: string;
  action: Exclude<Action, "undo">;
  /** The landslide to go back to; null where a new one was drawn. */
  landslideId: string | null;
  /** The landslide before the decision; it is not stored, so it is missing after a reload. */
  before?: Landslide | undefined;
}

/** An entry as it is stored; the names are those that earlier versions of the page stored. */
interface StoredEntry {
  id: string;
  action: Exclude<Action, "undo">;
  of: string | null;
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
    return this.storage.get<StoredEntry[]>(key, []).map(({ id, action, of }) => ({ id, action, landslideId: of }));
  }

  private save(): void {
    const stored = (entries: HistoryEntry[]): StoredEntry[] =>
      entries.map(({ id, action, landslideId }) => ({ id, action, of: landslideId }));
    this.storage.set("history.done", stored(this.done));
    this.storage.set("history.undone", stored(this.undone));
  }
}
