import type { KeyValueStore } from "../src/lib/storage.ts";

/** A browser storage in memory, which can be full. */
export class MemoryStore extends Map<string, string> implements KeyValueStore {
  full = false;
  get length(): number {
    return this.size;
  }
  key = (index: number): string | null => [...this.keys()][index] ?? null;
  getItem = (key: string): string | null => this.get(key) ?? null;
  setItem = (key: string, value: string): void => {
    if (this.full) throw new Error("quota");
    this.set(key, value);
  };
  removeItem = (key: string): void => void this.delete(key);
}
