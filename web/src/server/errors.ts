import type { Landslide } from "./types.ts";

/** An answer that is not what was asked for. */
export class RequestError extends Error {
  readonly status: number;
  readonly currentRecords: Landslide[];

  constructor(status: number, reason: string, currentRecords: Landslide[] = []) {
    super(reason);
    this.status = status;
    this.currentRecords = currentRecords;
  }
}

/** The server cannot be reached, or is too busy to answer. */
export class UnreachableError extends Error {}
