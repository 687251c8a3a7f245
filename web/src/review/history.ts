// Undo and redo without limit: which decisions were made here, last first, kept over a reload.
import type { Shelf } from "../lib/storage.ts";
import type { Action, Feature } from "../server/types.ts";

/** A decision that can be taken back. */
export interface Past {
  id: string;
  action: Exclude<Action, "undo">;
  /** Landslide to go back to. */
  of: string | null;
  /** What it looked like before; not kept over a reload. */
  before?: Feature | undefined;
}

export class History {
  private readonly shelf: Shelf;
  private done: Past[];
  private undone: Past[];

  constructor(shelf: Shelf) {
    this.shelf = shelf;
    this.done = shelf.get<Past[]>("history.done", []);
    this.undone = shelf.get<Past[]>("history.undone", []);
  }

  get lastDone(): Past | undefined {
    return this.done.at(-1);
  }

  get lastUndone(): Past | undefined {
    return this.undone.at(-1);
  }

  add(past: Past): void {
    this.done.push(past);
    this.undone = [];
    this.keep();
  }

  /** The last decision was taken back, by the decision of this id; taking that back does it again. */
  undo(by: string): void {
    const past = this.done.pop();
    if (past) this.undone.push({ ...past, id: by });
    this.keep();
  }

  /** What was taken back last was done again, by the decision of this id. */
  redo(by: string): void {
    const past = this.undone.pop();
    if (past) this.done.push({ ...past, id: by });
    this.keep();
  }

  /** A decision was not made after all. */
  forget(id: string): void {
    this.done = this.done.filter((past) => past.id !== id);
    this.undone = this.undone.filter((past) => past.id !== id);
    this.keep();
  }

  private keep(): void {
    const bare = (list: Past[]): Past[] => list.map(({ id, action, of }) => ({ id, action, of }));
    this.shelf.set("history.done", bare(this.done));
    this.shelf.set("history.undone", bare(this.undone));
  }
}
