import type { Feature } from "./types.ts";

/** An answer that is not what was asked for. */
export class Refusal extends Error {
  readonly status: number;
  readonly present: Feature[];

  constructor(status: number, reason: string, present: Feature[] = []) {
    super(reason);
    this.status = status;
    this.present = present;
  }
}

/** The server cannot be reached, or is too busy to answer. */
export class Unreachable extends Error {}
