/** A value that tells when it changes. */
export class Cell<T> {
  private readonly listeners = new Set<(value: T) => void>();
  private present: T;

  constructor(value: T) {
    this.present = value;
  }

  get value(): T {
    return this.present;
  }

  set value(value: T) {
    if (value === this.present) return;
    this.present = value;
    for (const listener of [...this.listeners]) listener(value);
  }

  /** Call with the value, now and after each change. */
  watch(listener: (value: T) => void): void {
    this.listeners.add(listener);
    listener(this.present);
  }
}
