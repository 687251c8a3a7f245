// The server, asked; see /docs on it.
import { RequestError, UnreachableError } from "./errors.ts";
import type { VersionChange, Decision, Landslide } from "./types.ts";

let token = sessionStorage.getItem("tsmu.token") ?? "";

export function setToken(value: string): void {
  token = value;
  sessionStorage.setItem("tsmu.token", value);
}

/** Headers that say who asks. */
export const authorizationHeaders = (): Record<string, string> => (token ? { Authorization: `Bearer ${token}` } : {});

/** The address of a path of the API, beside the page. */
export const apiUrl = (path: string): string => new URL(`api/${path}`, document.baseURI).href;

type QueryValues = Record<string, string | number | null | undefined>;

/** Append what is given to a path as a query. */
export function withQuery(path: string, values: QueryValues): string {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(entries.map(([name, value]) => [name, String(value)]));
  return entries.length ? `${path}?${query}` : path;
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(apiUrl(path), { ...init, headers: { ...authorizationHeaders(), ...init.headers } });
  } catch {
    throw new UnreachableError("the server does not answer");
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as { error?: string; present?: Landslide[] };
  const reason = body.error ?? response.statusText;
  if (response.status === 429 || response.status >= 500) throw new UnreachableError(reason);
  throw new RequestError(response.status, reason, body.present);
}

export async function getJson<T>(path: string, values: QueryValues = {}, signal?: AbortSignal): Promise<T> {
  return (await (await request(withQuery(path, values), signal ? { signal } : {})).json()) as T;
}

export async function getBlob(path: string, values: QueryValues): Promise<Blob> {
  return (await request(withQuery(path, values))).blob();
}

async function sendJson<T>(method: "POST" | "PUT", path: string, body: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json", "X-Tsmu": "1" };
  return (await (await request(path, { method, headers, body: JSON.stringify(body) })).json()) as T;
}

export interface DecisionResult {
  id: string;
  changes: VersionChange[];
  repeated: boolean;
}

export const sendDecision = (decision: Decision): Promise<DecisionResult> => sendJson("POST", "decisions", decision);

export const sendImageShift = (scene: string, east_m: number, north_m: number, by: string): Promise<unknown> =>
  sendJson("PUT", `scenes/${encodeURIComponent(scene)}/shift`, { east_m, north_m, by });
