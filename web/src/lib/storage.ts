// What the browser keeps: per survey, so that two on one machine do not mix.

/** The part of the browser's storage that is used; tests give their own. */
export interface KeyValueStore {
  readonly length: number;
  key(place: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class BrowserStorage {
  private readonly store: KeyValueStore;
  private readonly prefix: string;

  constructor(store: KeyValueStore, name: string) {
    this.store = store;
    this.prefix = `tsmu.${name}.`;
  }

  /** The value kept under a key; what cannot be read is as if it were not there. */
  get<T>(key: string, fallback: T): T {
    try {
      const text = this.store.getItem(this.prefix + key);
      return text === null ? fallback : (JSON.parse(text) as T);
    } catch {
      return fallback;
    }
  }

  /** Keep a value; throws where the browser keeps nothing or is full. */
  set(key: string, value: unknown): void {
    this.store.setItem(this.prefix + key, JSON.stringify(value));
  }

  remove(key: string): void {
    this.store.removeItem(this.prefix + key);
  }

  /** Keys that begin with a word, in their order. */
  keys(prefix: string): string[] {
    const names: string[] = [];
    for (let place = 0; place < this.store.length; place++) {
      const key = this.store.key(place);
      if (key?.startsWith(this.prefix + prefix)) names.push(key.slice(this.prefix.length));
    }
    return names.sort();
  }
}
