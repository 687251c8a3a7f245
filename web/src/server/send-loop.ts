// Sends what waits in the browser, one request at a time, and tries again later where the server cannot be reached.

const FIRST_RETRY_DELAY = 1000; // ms; doubled after each failure
const LONGEST_RETRY_DELAY = 15_000; // ms

/** What a loop sends, and whom it tells. */
export interface SendLoopOptions {
  /** How many entries wait. */
  count: () => number;
  /** Sends the first entry, and removes it where it is saved or refused; gives why it must wait, else null. */
  sendFirst: () => Promise<string | null>;
  /** How many entries wait, and why they cannot be sent; null while they can. */
  onPendingChange: (count: number, reason: string | null) => void;
}

/** Sends entry after entry until none waits; after a failure it waits longer each time before it tries again. */
export class SendLoop {
  private readonly options: SendLoopOptions;
  private sending = false;
  private retryDelay = FIRST_RETRY_DELAY;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SendLoopOptions) {
    this.options = options;
  }

  /** Send what waits; where it cannot be sent now, try again later. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.retryTimer);
    const { count, sendFirst, onPendingChange } = this.options;
    let reason: string | null = null;
    while (count() && reason === null) {
      onPendingChange(count(), null);
      reason = await sendFirst();
      if (reason === null) this.retryDelay = FIRST_RETRY_DELAY;
    }
    this.sending = false;
    onPendingChange(count(), reason);
    if (reason === null) return;
    this.retryTimer = setTimeout(() => void this.flush(), this.retryDelay);
    this.retryDelay = Math.min(this.retryDelay * 2, LONGEST_RETRY_DELAY);
  }
}
