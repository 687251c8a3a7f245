/** A value that tells when it changes. */
export class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>();
  private current: T;

  constructor(value: T) {
    this.current = value;
  }

  get value(): T {
    return this.current;
  }

  set value(value: T) {
    if (value === this.current) return;
    this.current = value;
    for (const listener of [...this.listeners]) listener(value);
  }

  /** Call with the value, now and after each change. */
  subscribe(listener: (value: T) => void): void {
    this.listeners.add(listener);
    listener(this.current);
  }
}
