/**
 * A value that calls its subscribers when it changes.
 *
 * The names are those of Preact's signals.
 *
 * @example
 * const count = new Signal(0);
 * count.subscribe((value) => console.log(value)); // writes 0 at once
 * count.value = 1; // writes 1
 */
export class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>();
  private current: T;

  constructor(value: T) {
    this.current = value;
  }

  get value(): T {
    return this.current;
  }

  /** Set the value and call the subscribers in the order in which they subscribed; the same value calls nobody. */
  set value(value: T) {
    if (value === this.current) return;
    this.current = value;
    for (const listener of [...this.listeners]) listener(value);
  }

  /** Call the listener with the value, at once and after each change. */
  subscribe(listener: (value: T) => void): void {
    this.listeners.add(listener);
    listener(this.current);
  }
}
