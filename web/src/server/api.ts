// The server, asked; see /docs on it.
import { Refusal, Unreachable } from "./errors.ts";
import type { Change, Decision, Feature } from "./types.ts";

let token = sessionStorage.getItem("tsmu.token") ?? "";

export function setToken(value: string): void {
  token = value;
  sessionStorage.setItem("tsmu.token", value);
}

/** Headers that say who asks. */
export const identity = (): Record<string, string> => (token ? { Authorization: `Bearer ${token}` } : {});

/** The address of a path of the API, beside the page. */
export const address = (path: string): string => new URL(`api/${path}`, document.baseURI).href;

type Values = Record<string, string | number | null | undefined>;

/** Append what is given to a path as a query. */
export function asking(path: string, values: Values): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length ? `${path}?${query}` : path;
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address(path), { ...init, headers: { ...identity(), ...init.headers } });
  } catch {
    throw new Unreachable("the server does not answer");
  }
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => ({}))) as { error?: string; present?: Feature[] };
  const reason = said.error ?? answer.statusText;
  if (answer.status === 429 || answer.status >= 500) throw new Unreachable(reason);
  throw new Refusal(answer.status, reason, said.present);
}

export async function get<T>(path: string, values: Values = {}, signal?: AbortSignal): Promise<T> {
  return (await (await ask(asking(path, values), signal ? { signal } : {})).json()) as T;
}

export async function download(path: string, values: Values): Promise<Blob> {
  return (await ask(asking(path, values))).blob();
}

async function write<T>(method: "POST" | "PUT", path: string, body: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json", "X-Tsmu": "1" };
  return (await (await ask(path, { method, headers, body: JSON.stringify(body) })).json()) as T;
}

export interface Made {
  id: string;
  changes: Change[];
  repeated: boolean;
}

export const send = (decision: Decision): Promise<Made> => write("POST", "decisions", decision);

export const shift = (scene: string, east_m: number, north_m: number, by: string): Promise<unknown> =>
  write("PUT", `scenes/${encodeURIComponent(scene)}/shift`, { east_m, north_m, by });
