// Undo and redo without limit: which decisions were made here, last first, kept over a reload.
import type { BrowserStorage } from "../lib/storage.ts";
import type { Action, Landslide } from "../server/types.ts";

/** A decision that can be taken back. */
export interface HistoryEntry {
  id: string;
  action: Exclude<Action, "undo">;
  /** Landslide to go back to. */
  of: string | null;
  /** What it looked like before; not kept over a reload. */
  before?: Landslide | undefined;
}

export class DecisionHistory {
  private readonly storage: BrowserStorage;
  private done: HistoryEntry[];
  private undone: HistoryEntry[];

  constructor(storage: BrowserStorage) {
    this.storage = storage;
    this.done = storage.get<HistoryEntry[]>("history.done", []);
    this.undone = storage.get<HistoryEntry[]>("history.undone", []);
  }

  get lastDone(): HistoryEntry | undefined {
    return this.done.at(-1);
  }

  get lastUndone(): HistoryEntry | undefined {
    return this.undone.at(-1);
  }

  add(past: HistoryEntry): void {
    this.done.push(past);
    this.undone = [];
    this.save();
  }

  /** The last decision was taken back, by the decision of this id; taking that back does it again. */
  undo(by: string): void {
    const past = this.done.pop();
    if (past) this.undone.push({ ...past, id: by });
    this.save();
  }

  /** What was taken back last was done again, by the decision of this id. */
  redo(by: string): void {
    const past = this.undone.pop();
    if (past) this.done.push({ ...past, id: by });
    this.save();
  }

  /** A decision was not made after all. */
  forget(id: string): void {
    this.done = this.done.filter((past) => past.id !== id);
    this.undone = this.undone.filter((past) => past.id !== id);
    this.save();
  }

  private save(): void {
    const bare = (list: HistoryEntry[]): HistoryEntry[] => list.map(({ id, action, of }) => ({ id, action, of }));
    this.storage.set("history.done", bare(this.done));
    this.storage.set("history.undone", bare(this.undone));
  }
}
