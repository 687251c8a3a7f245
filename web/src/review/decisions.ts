// Deciding: kept in the browser at once, sent, shown on the map, and gone on to the next.
import type { Geometry } from "geojson";
import { sendDecision } from "../server/api.ts";
import { showConflict } from "./conflict.ts";
import { DecisionHistory, type HistoryEntry } from "./history.ts";
import { setDisplayStatus, reloadLandslideTiles } from "../map/landslides.ts";
import { showNotice } from "../lib/notice.ts";
import { Outbox } from "../server/outbox.ts";
import type { DisplayStatus } from "../map/palette.ts";
import { returnToQueue, countDecisions, removeDecided, selectById, refreshQueue, markUndecided } from "./queue.ts";
import type { RequestError } from "../server/errors.ts";
import type { BrowserStorage } from "../lib/storage.ts";
import { mayDecide, state } from "../state.ts";
import type { Action, VersionChange, Decision, Landslide } from "../server/types.ts";
import { getMap } from "../map/view.ts";

const STATUS_AFTER: Partial<Record<Action, DisplayStatus>> = {
  accept: "confirmed",
  reject: "rejected",
  unsure: "undecided",
  "bad imagery": "undecided",
  merge: "confirmed",
  edit: "confirmed",
  split: "confirmed",
};
const OUTLINE_ACTIONS: readonly Action[] = ["merge", "split", "edit", "draw", "undo"];

/** Versions that the server has answered with: what is remembered from before may be older. */
const savedVersions = new Map<string, number>();

/** Undos after which their landslide is to be shown, by their id. */
const undoTargets = new Map<string, string>();

let outbox: Outbox;
let history: DecisionHistory;

/** Take up what this browser keeps for the survey. */
export function startDecisions(storage: BrowserStorage): void {
  history = new DecisionHistory(storage);
  outbox = new Outbox(storage, {
    send: sendDecision,
    onSaved: handleSaved,
    onRefused: handleRefused,
    onPendingChange: (count, reason) => {
      if (state.pending.value.reason && !reason) reloadLandslideTiles(getMap()); // what could not be loaded meanwhile
      state.pending.value = { count, reason };
    },
  });
  window.addEventListener("online", () => void outbox.flush());
  void outbox.flush();
  updateUndoable();
}

export const sendPending = (): Promise<void> => outbox.flush();

export function discardPending(): void {
  for (const { id } of outbox.discard()) history.forget(id);
  updateUndoable();
  void refreshQueue();
}

/** What is needed besides the action. */
export interface DecisionInput {
  others?: Landslide[];
  geometry?: Geometry;
  why?: string;
}

/** Decide on a landslide; without one, draw a new one. */
export function decide(action: Exclude<Action, "undo">, of: Landslide | null, input: DecisionInput = {}): void {
  if (!mayDecide()) return showNotice("Decisions are not taken here: this is read-only", "bad");
  const all = [...(of ? [of] : []), ...(input.others ?? [])];
  const decision: Decision = {
    id: newId(),
    action,
    by: state.reviewer.value,
    landslides: Object.fromEntries(all.map((one) => [one.id, one.properties.version])),
    ...(input.geometry ? { geometry: input.geometry } : {}),
    ...(input.why ? { why: input.why } : {}),
    ...(action === "draw" ? sceneAndRegion() : {}),
  };
  if (!addToOutbox(decision)) return;
  history.add({ id: decision.id, action, of: of?.id ?? null, before: of ?? undefined });
  updateUndoable();
  if (action === "draw" || action === "comment") return;
  const kind = STATUS_AFTER[action];
  for (const { id } of all) if (kind) setDisplayStatus(getMap(), id, kind);
  countDecisions(all, 1);
  void removeDecided(all.map(({ id }) => id));
}

export function undo(): void {
  const last = history.lastDone;
  if (!last) return showNotice("Nothing to undo");
  const decision = reversal(last);
  if (!addToOutbox(decision)) return;
  history.undo(decision.id);
  updateUndoable();
  showNotice(`Undone: ${last.action}`);
  if (last.action === "comment" || last.action === "draw" || !last.of) return;
  markUndecided(last.of);
  undoTargets.set(decision.id, last.of);
  if (!last.before) return; // from before a reload: shown when the server has answered
  setDisplayStatus(getMap(), last.of, null);
  countDecisions([last.before], -1);
  returnToQueue(withSavedVersion(last.before));
}

export function redo(): void {
  const last = history.lastUndone;
  if (!last) return showNotice("Nothing to do again");
  const decision = reversal(last);
  if (!addToOutbox(decision)) return;
  history.redo(decision.id);
  updateUndoable();
  showNotice(`Done again: ${last.action}`);
  const kind = STATUS_AFTER[last.action];
  if (!last.before || !kind) return;
  setDisplayStatus(getMap(), last.before.id, kind);
  countDecisions([last.before], 1);
  void removeDecided([last.before.id]);
}

/** Decide the same on what the landslides are now. */
function decideAgain(decision: Decision, present: Landslide[]): void {
  const landslides = Object.fromEntries(present.map(({ id, properties }) => [id, properties.version]));
  const again: Decision = { ...decision, id: newId(), landslides };
  if (!addToOutbox(again)) return;
  const [first] = present;
  if (decision.action !== "undo")
    history.add({ id: again.id, action: decision.action, of: first?.id ?? null, before: first });
  updateUndoable();
  void removeDecided(present.map(({ id }) => id));
}

const reversal = (entry: HistoryEntry): Decision => ({
  id: newId(),
  action: "undo",
  undoes: entry.id,
  by: state.reviewer.value,
});

function sceneAndRegion(): Pick<Decision, "scene" | "region"> {
  const region = state.filters.value.region || state.current.value?.properties.region;
  return { ...(state.scene.value ? { scene: state.scene.value.id } : {}), ...(region ? { region } : {}) };
}

function addToOutbox(decision: Decision): boolean {
  try {
    outbox.add(decision);
    return true;
  } catch {
    showNotice("This browser can keep nothing more: send or discard what waits before you go on", "bad");
    return false;
  }
}

function handleSaved(decision: Decision, changes: readonly VersionChange[]): void {
  for (const { id, version_after } of changes) savedVersions.set(id, version_after);
  state.queue.value = state.queue.value.map(withSavedVersion);
  if (state.current.value) state.current.value = withSavedVersion(state.current.value);
  if (OUTLINE_ACTIONS.includes(decision.action)) reloadLandslideTiles(getMap());
  if (decision.action !== "undo") return;
  for (const { id, status } of changes) {
    setDisplayStatus(getMap(), id, null);
    if (status === "candidate") markUndecided(id);
  }
  const of = undoTargets.get(decision.id);
  undoTargets.delete(decision.id);
  if (of && outbox.decisions.length === 0) selectById(of).catch(() => undefined); // else somebody is ahead of it already
  void refreshQueue();
}

function withSavedVersion(feature: Landslide): Landslide {
  const version = savedVersions.get(feature.id) ?? 0;
  if (version <= feature.properties.version) return feature;
  return { ...feature, properties: { ...feature.properties, version } };
}

function handleRefused(decision: Decision, error: RequestError): void {
  history.forget(decision.id);
  updateUndoable();
  for (const id of Object.keys(decision.landslides ?? {})) {
    setDisplayStatus(getMap(), id, null);
    markUndecided(id);
  }
  void refreshQueue();
  if (error.status === 409) showConflict(decision, error.currentRecords, decideAgain);
  else showNotice(`Not done: ${decision.action}: ${error.message}`, "bad");
}

function updateUndoable(): void {
  state.undoable.value = { undo: history.lastDone?.action ?? null, redo: history.lastUndone?.action ?? null };
}

/** A UUID, also where the page comes from another machine without TLS. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
