// Requests to the server's API.
import { Signal } from "@preact/signals";
import type {
  Decision,
  DecisionResult,
  Elevations,
  ImageShift,
  Landslide,
  NestedOutlines,
  OutlineSource,
  QueueResponse,
  Selection,
} from "./types.ts";

const TOKEN_KEY = "tsmu.token"; // in the session storage: the token lasts as long as the tab

/** The server refuses a request. */
export class RequestError extends Error {
  readonly status: number;
  /** With status 409 (conflict): the landslides of the decision as they are now. */
  readonly currentRecords: Landslide[];

  constructor(status: number, reason: string, currentRecords: Landslide[] = []) {
    super(reason);
    this.status = status;
    this.currentRecords = currentRecords;
  }
}

/** Whether a refusal is of this person, not of what was sent: then that stays until another token is given. */
export const concernsPerson = (error: RequestError): boolean => error.status === 401 || error.status === 403;

/** Whether an answer with this status says that the filters in the request make no sense. */
export const refusesFilters = (status: number | undefined): boolean => status === 400 || status === 422;

/** The server cannot be reached, or is too busy to answer; the same request may succeed later. */
export class UnreachableError extends Error {}

const storedToken = (): string => sessionStorage.getItem(TOKEN_KEY) ?? "";

/** Whether a token was entered in this tab. */
export const hasToken = (): boolean => storedToken() !== "";

/** Send this token with every request, as long as the tab is open. */
export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
  refusal.value = null;
}

/** Why the server refused the token of this tab, or that it has none; null while it is not refused. */
export const refusal = new Signal<string | null>(null);

/** Headers with the token, if there is one. */
export function authorizationHeaders(): Record<string, string> {
  const token = storedToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The URL of a path of the API, relative to the page. */
export const apiUrl = (path: string): string => new URL(`api/${path}`, document.baseURI).href;

type QueryValues = Record<string, string | number | null | undefined>;

/** Append values to a path as its query; empty ones are left out. */
export function withQuery(path: string, values: QueryValues): string {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(entries.map(([name, value]) => [name, String(value)]));
  return entries.length ? `${path}?${query}` : path;
}

/** Send a request; throws `RequestError` where it is refused, `UnreachableError` where there is no answer. */
async function request(path: string, init: RequestInit = {}): Promise<Response> {
  if (refusal.value !== null) throw new RequestError(401, refusal.value);
  const token = storedToken();
  let response: Response;
  try {
    response = await fetch(apiUrl(path), { ...init, headers: { ...authorizationHeaders(), ...init.headers } });
  } catch {
    throw new UnreachableError("the server does not answer");
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as { error?: string; present?: Landslide[] };
  const reason = body.error ?? response.statusText;
  if (response.status === 401 && token === storedToken()) refusal.value = reason; // else another was entered since
  if (response.status === 429 || response.status >= 500) throw new UnreachableError(reason);
  throw new RequestError(response.status, reason, body.present);
}

/** Read JSON from a path of the API; the errors are those of `request`, as for all functions below. */
export async function getJson<T>(path: string, values: QueryValues = {}): Promise<T> {
  return (await (await request(withQuery(path, values))).json()) as T;
}

/** Read a file from a path of the API. */
export async function getBlob(path: string, values: QueryValues): Promise<Blob> {
  return (await request(withQuery(path, values))).blob();
}

let tokenCheck: Promise<unknown> | null = null;

/** Find out whether the token is refused, after a 401 to a request that may have had a former token of this tab. */
export function checkToken(): void {
  tokenCheck ??= getJson("info")
    .catch(() => undefined) // a refusal is noted by then
    .finally(() => {
      tokenCheck = null;
    });
}

async function sendJson<T>(method: "POST" | "PUT", path: string, body: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json", "X-Tsmu": "1" };
  return (await (await request(path, { method, headers, body: JSON.stringify(body) })).json()) as T;
}

/** Read the next landslides of the queue, without those whose ids are given. */
export const getQueue = (values: QueryValues, without: readonly string[]): Promise<QueueResponse> =>
  sendJson("POST", withQuery("queue", values), { without });

/** Make a decision, on one landslide or on many; when this returns, it is on the server's disk. */
export const sendDecision = (decision: Decision): Promise<DecisionResult> =>
  sendJson("POST", isOnMany(decision) ? "decisions/many" : "decisions", decision);

const VERDICTS: readonly string[] = ["accept", "reject", "unsure", "bad imagery"];

/** Whether a decision gives several landslides the same verdict. */
export const isOnMany = ({ action, landslides = {} }: Decision): boolean =>
  VERDICTS.includes(action) && Object.keys(landslides).length > 1;

/** Read which landslides of a queue an area or the filters hold. */
export const getSelection = (values: QueryValues): Promise<Selection> => getJson("selection", values);

/** The outlines round a place in a scene; without a source the server chooses one. */
export const getOutlinesAt = (
  scene: string,
  [longitude, latitude]: [number, number],
  source?: OutlineSource,
): Promise<NestedOutlines> =>
  getJson(`scenes/${encodeURIComponent(scene)}/outlines`, { at: `${longitude},${latitude}`, source });

/** A landslide's outline at all levels of the probability. */
export const getOutlinesOf = (id: string): Promise<NestedOutlines> =>
  getJson(`landslides/${encodeURIComponent(id)}/outlines`);

/** The heights at the corners of a line of longitude, latitude. */
export const getElevations = (line: readonly [number, number][]): Promise<Elevations> =>
  getJson("elevations", { line: line.flat().join(",") });

/**
 * Store a shift of a scene's images; gives what is stored, which is another one where a newer one came first.
 *
 * @param madeAt - When the reviewer made it, ms since 1970, so that an older one that arrives late is not stored.
 */
export const sendImageShift = (scene: string, shift: ImageShift, madeAt: number, by: string): Promise<ImageShift> =>
  sendJson("PUT", `scenes/${encodeURIComponent(scene)}/shift`, {
    east_m: shift.shift_east_m ?? 0,
    north_m: shift.shift_north_m ?? 0,
    pre_m: shift.pre_shift_east_m === null ? null : [shift.pre_shift_east_m, shift.pre_shift_north_m ?? 0],
    made_at_ms: madeAt,
    by,
  });
