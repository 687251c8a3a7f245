// Deciding: kept in the browser at once, sent, shown on the map, and gone on to the next.
import type { Geometry } from "geojson";
import { send } from "../server/api.ts";
import { showConflict } from "./conflict.ts";
import { History, type Past } from "./history.ts";
import { colour, redraw } from "../map/landslides.ts";
import { say } from "../lib/notice.ts";
import { Outbox } from "../server/outbox.ts";
import type { Kind } from "../map/palette.ts";
import { back, count, done, goTo, renew, reopen } from "./queue.ts";
import type { Refusal } from "../server/errors.ts";
import type { Shelf } from "../lib/storage.ts";
import { mayDecide, state } from "../state.ts";
import type { Action, Change, Decision, Feature } from "../server/types.ts";
import { mapView } from "../map/view.ts";

const SHOWN: Partial<Record<Action, Kind>> = {
  accept: "confirmed",
  reject: "rejected",
  unsure: "undecided",
  "bad imagery": "undecided",
  merge: "confirmed",
  edit: "confirmed",
  split: "confirmed",
};
const RESHAPES: readonly Action[] = ["merge", "split", "edit", "draw", "undo"];

/** Versions that the server has answered with: what is remembered from before may be older. */
const versions = new Map<string, number>();

/** Undos after which their landslide is to be shown, by their id. */
const shown = new Map<string, string>();

let outbox: Outbox;
let history: History;

/** Take up what this browser keeps for the survey. */
export function openDesk(shelf: Shelf): void {
  history = new History(shelf);
  outbox = new Outbox(shelf, {
    send,
    made,
    refused,
    waiting: (count, reason) => {
      if (state.waiting.value.reason && !reason) redraw(mapView()); // what could not be loaded meanwhile
      state.waiting.value = { count, reason };
    },
  });
  window.addEventListener("online", () => void outbox.flush());
  void outbox.flush();
  tellPast();
}

export const sendNow = (): Promise<void> => outbox.flush();

export function discardWaiting(): void {
  for (const { id } of outbox.discard()) history.forget(id);
  tellPast();
  void renew();
}

/** What is needed besides the action. */
export interface More {
  others?: Feature[];
  geometry?: Geometry;
  why?: string;
}

/** Decide on a landslide; without one, draw a new one. */
export function decide(action: Exclude<Action, "undo">, of: Feature | null, more: More = {}): void {
  if (!mayDecide()) return say("Decisions are not taken here: this is read-only", "bad");
  const all = [...(of ? [of] : []), ...(more.others ?? [])];
  const decision: Decision = {
    id: newId(),
    action,
    by: state.reviewer.value,
    landslides: Object.fromEntries(all.map((one) => [one.id, one.properties.version])),
    ...(more.geometry ? { geometry: more.geometry } : {}),
    ...(more.why ? { why: more.why } : {}),
    ...(action === "draw" ? drawnIn() : {}),
  };
  if (!keep(decision)) return;
  history.add({ id: decision.id, action, of: of?.id ?? null, before: of ?? undefined });
  tellPast();
  if (action === "draw" || action === "comment") return;
  const kind = SHOWN[action];
  for (const { id } of all) if (kind) colour(mapView(), id, kind);
  count(all, 1);
  void done(all.map(({ id }) => id));
}

export function undo(): void {
  const last = history.lastDone;
  if (!last) return say("Nothing to undo");
  const decision = reversal(last);
  if (!keep(decision)) return;
  history.undo(decision.id);
  tellPast();
  say(`Undone: ${last.action}`);
  if (last.action === "comment" || last.action === "draw" || !last.of) return;
  reopen(last.of);
  shown.set(decision.id, last.of);
  if (!last.before) return; // from before a reload: shown when the server has answered
  colour(mapView(), last.of, null);
  count([last.before], -1);
  back(upToDate(last.before));
}

export function redo(): void {
  const last = history.lastUndone;
  if (!last) return say("Nothing to do again");
  const decision = reversal(last);
  if (!keep(decision)) return;
  history.redo(decision.id);
  tellPast();
  say(`Done again: ${last.action}`);
  const kind = SHOWN[last.action];
  if (!last.before || !kind) return;
  colour(mapView(), last.before.id, kind);
  count([last.before], 1);
  void done([last.before.id]);
}

/** Decide the same on what the landslides are now. */
function decideAnew(decision: Decision, present: Feature[]): void {
  const landslides = Object.fromEntries(present.map(({ id, properties }) => [id, properties.version]));
  const again: Decision = { ...decision, id: newId(), landslides };
  if (!keep(again)) return;
  const [first] = present;
  if (decision.action !== "undo")
    history.add({ id: again.id, action: decision.action, of: first?.id ?? null, before: first });
  tellPast();
  void done(present.map(({ id }) => id));
}

const reversal = (past: Past): Decision => ({ id: newId(), action: "undo", undoes: past.id, by: state.reviewer.value });

function drawnIn(): Pick<Decision, "scene" | "region"> {
  const region = state.filters.value.region || state.current.value?.properties.region;
  return { ...(state.scene.value ? { scene: state.scene.value.id } : {}), ...(region ? { region } : {}) };
}

function keep(decision: Decision): boolean {
  try {
    outbox.add(decision);
    return true;
  } catch {
    say("This browser can keep nothing more: send or discard what waits before you go on", "bad");
    return false;
  }
}

function made(decision: Decision, changes: readonly Change[]): void {
  for (const { id, version_after } of changes) versions.set(id, version_after);
  state.queue.value = state.queue.value.map(upToDate);
  if (state.current.value) state.current.value = upToDate(state.current.value);
  if (RESHAPES.includes(decision.action)) redraw(mapView());
  if (decision.action !== "undo") return;
  for (const { id, status } of changes) {
    colour(mapView(), id, null);
    if (status === "candidate") reopen(id);
  }
  const of = shown.get(decision.id);
  shown.delete(decision.id);
  if (of && outbox.decisions.length === 0) goTo(of).catch(() => undefined); // else somebody is ahead of it already
  void renew();
}

function upToDate(feature: Feature): Feature {
  const version = versions.get(feature.id) ?? 0;
  if (version <= feature.properties.version) return feature;
  return { ...feature, properties: { ...feature.properties, version } };
}

function refused(decision: Decision, refusal: Refusal): void {
  history.forget(decision.id);
  tellPast();
  for (const id of Object.keys(decision.landslides ?? {})) {
    colour(mapView(), id, null);
    reopen(id);
  }
  void renew();
  if (refusal.status === 409) showConflict(decision, refusal.present, decideAnew);
  else say(`Not done: ${decision.action}: ${refusal.message}`, "bad");
}

function tellPast(): void {
  state.past.value = { undo: history.lastDone?.action ?? null, redo: history.lastUndone?.action ?? null };
}

/** A UUID, also where the page comes from another machine without TLS. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
