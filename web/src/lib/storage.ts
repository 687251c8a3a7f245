// What the page stores in the browser, as JSON.

/** The part of the DOM's `Storage` that is used; tests pass their own. */
export interface KeyValueStore {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Values under keys with a common prefix, so that two surveys reviewed in one browser do not mix.
 *
 * @example
 * const storage = new BrowserStorage(localStorage, "page");
 * storage.set("reviewer", "eva"); // stored under tsmu.page.reviewer
 */
export class BrowserStorage {
  private readonly store: KeyValueStore;
  private readonly prefix: string;

  constructor(store: KeyValueStore, name: string) {
    this.store = store;
    this.prefix = `tsmu.${name}.`;
  }

  /** Read the value under a key; the fallback where there is none or it is not JSON. */
  get<T>(key: string, fallback: T): T {
    try {
      const text = this.store.getItem(this.prefix + key);
      return text === null ? fallback : (JSON.parse(text) as T);
    } catch {
      return fallback;
    }
  }

  /** Store a value; throws where the browser stores nothing or is full. */
  set(key: string, value: unknown): void {
    this.store.setItem(this.prefix + key, JSON.stringify(value));
  }

  remove(key: string): void {
    this.store.removeItem(this.prefix + key);
  }

  /** List the keys that begin with a prefix, sorted. */
  keys(prefix: string): string[] {
    const names: string[] = [];
    for (let index = 0; index < this.store.length; index++) {
      const key = this.store.key(index);
      if (key?.startsWith(this.prefix + prefix)) names.push(key.slice(this.prefix.length));
    }
    return names.sort();
  }
}
