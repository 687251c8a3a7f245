// Decisions: stored in the browser at once, shown on the map and in the queue, and sent by the outbox.
//
// A reviewer does not wait for the server: what a decision does is shown at once, and taken back if the server refuses
// the decision.
import type { Geometry } from "geojson";
import type { BrowserStorage } from "../lib/storage.ts";
import { formatCounted } from "../lib/format.ts";
import { showNotice } from "../lib/notice.ts";
import { reloadLandslideTiles, setDisplayState } from "../map/landslides.ts";
import { getMap } from "../map/view.ts";
import { type RequestError, sendDecision } from "../server/api.ts";
import { Outbox } from "../server/outbox.ts";
import type {
  Action,
  Attributes,
  Decision,
  DecisionResult,
  Landslide,
  ReviewState,
  Verdict,
  VersionChange,
} from "../server/types.ts";
import { mayDecide, READ_ONLY, state } from "../state.ts";
import { showConflict } from "./conflict.ts";
import { keepRefused } from "./drafts.ts";
import { DecisionHistory, type HistoryEntry, type ShiftChange, type UndoableAction } from "./history.ts";
import { discardPendingShifts, sendPendingShifts, setImageShift, startImageShifts } from "./image-shifts.ts";
import {
  countDecision,
  markDecided,
  markSaved,
  markUndecided,
  refreshQueue,
  reloadCurrent,
  removeDecided,
  returnToQueue,
  selectById,
} from "./queue.ts";

/** The state of a landslide after each action. */
const STATE_AFTER: Partial<Record<Action | UndoableAction, ReviewState>> = {
  accept: "accepted",
  reject: "rejected",
  unsure: "unsure",
  "bad imagery": "bad imagery",
  merge: "accepted",
  edit: "accepted",
  split: "accepted",
};
/** Actions that change outlines, after which the tiles are loaded again. */
const OUTLINE_ACTIONS: readonly Action[] = ["merge", "split", "edit", "draw", "undo"];

/** Newest versions that the server has answered with, by landslide id: queue and history may hold older ones. */
const savedVersions = new Map<string, number>();

/** The landslides to select once their undo is saved, by the undo's id. */
const undoTargets = new Map<string, string>();

/** What is not saved of decisions and of shifts, as `state.pending` has it of both together. */
type PendingBoth = Record<"decisions" | "shifts", { count: number; reason: string | null }>;

let outbox: Outbox;
let history: DecisionHistory;

/** Load the history and the pending decisions of this survey, and begin to send. */
export function startDecisions(storage: BrowserStorage): void {
  history = new DecisionHistory(storage);
  const pending = { decisions: { count: 0, reason: null }, shifts: { count: 0, reason: null } } as PendingBoth;
  const note = (kind: keyof PendingBoth) => (count: number, reason: string | null) => {
    pending[kind] = { count, reason };
    const { decisions, shifts } = pending;
    const before = state.pending.value.reason;
    state.pending.value = { count: decisions.count + shifts.count, reason: decisions.reason ?? shifts.reason };
    const reconnected = before && !state.pending.value.reason;
    if (reconnected) reloadLandslideTiles(getMap()); // tiles may have failed to load meanwhile
  };
  outbox = new Outbox(storage, {
    send: sendAndTellRepairs,
    onSaved: handleSaved,
    onRefused: handleRefused,
    onPendingChange: note("decisions"),
  });
  for (const { landslides } of outbox.decisions) markDecided(Object.keys(landslides ?? {}));
  startImageShifts(storage, note("shifts"));
  window.addEventListener("online", () => void outbox.flush());
  void outbox.flush();
  updateUndoable();
}

/** Ids of the decisions that this page has sent. */
const sentIds = new Set<string>();

/** Whether this page has made a decision. */
export const wasMadeHere = (decisionId: string): boolean => sentIds.has(decisionId);

/** Whether a decision of this page on a landslide is on its way. */
export const isPending = (landslideId: string): boolean =>
  outbox.decisions.some(({ landslides }) => landslides?.[landslideId] !== undefined);

/** Send a decision, and tell the reviewer what the server repaired in a drawn outline. */
async function sendAndTellRepairs(decision: Decision): Promise<DecisionResult> {
  sentIds.add(decision.id);
  const result = await sendDecision(decision);
  if (result.left_out?.length) showLeftOut(result.left_out);
  if (result.repairs.length) showNotice(`The outline was repaired: ${result.repairs.join("; ")}`);
  return result;
}

/** Some of many landslides were not decided on: they come in the queue again. */
function showLeftOut(ids: readonly string[]): void {
  for (const id of ids) {
    setDisplayState(getMap(), id, null);
    markUndecided(id);
  }
  showNotice(`${formatCounted(ids.length, "landslide")} left out: somebody has changed them since`, "bad");
  void refreshQueue();
}

/** Send the pending decisions and shifts now. */
export async function sendPending(): Promise<void> {
  await Promise.all([outbox.flush(), sendPendingShifts()]);
}

/** Drop the pending decisions and shifts. */
export function discardPending(): void {
  discardPendingShifts();
  for (const { id, landslides } of outbox.discard()) {
    history.forget(id);
    for (const landslideId of Object.keys(landslides ?? {})) markUndecided(landslideId);
  }
  updateUndoable();
  void refreshQueue();
}

/** What some actions need besides the landslide. */
export interface DecisionInput {
  /** For `merge`: the landslides to merge into the first one. */
  others?: Landslide[];
  /** For `edit`, `draw` and `split`. */
  geometry?: Geometry;
  /** For `describe`. */
  attributes?: Attributes;
  /** For `comment`. */
  why?: string;
}

/** Decide on a landslide and go on to the next. `draw` makes a new landslide, so its landslide is null. */
export function decide(action: Exclude<Action, "undo">, landslide: Landslide | null, input: DecisionInput = {}): void {
  if (!mayDecide()) return showNotice(READ_ONLY, "bad");
  const landslides = [...(landslide ? [landslide] : []), ...(input.others ?? [])];
  const decision: Decision = {
    id: newUuid(),
    action,
    by: state.reviewer.value,
    landslides: versionsOf(landslides),
    ...(input.geometry ? { geometry: input.geometry } : {}),
    ...(input.attributes ? { attributes: input.attributes } : {}),
    ...(input.why ? { why: input.why } : {}),
    ...(action === "draw" ? sceneAndRegion() : {}),
  };
  if (!addToOutbox(decision)) return;
  history.add({ id: decision.id, action, landslideId: landslide?.id ?? null, before: landslide ?? undefined });
  updateUndoable();
  if (action === "draw") countDecision("withdrawn", "accepted");
  if (input.attributes && landslide) showDescribed(landslide.id, input.attributes);
  if (action === "draw" || action === "comment" || action === "describe") return; // it still waits for a decision
  showDecided(landslides, action);
}

/** Give many landslides, named by their ids and versions, the same verdict; returns whether it is on its way. */
export function decideOnMany(action: Verdict, landslides: Record<string, number>): boolean {
  if (!mayDecide()) {
    showNotice(READ_ONLY, "bad");
    return false;
  }
  const decision: Decision = { id: newUuid(), action, by: state.reviewer.value, landslides };
  if (!addToOutbox(decision)) return false;
  const ids = Object.keys(landslides);
  const [only] = ids;
  history.add({ id: decision.id, action, landslideId: ids.length === 1 && only ? only : null });
  updateUndoable();
  const after = STATE_AFTER[action];
  for (const id of ids) if (after) setDisplayState(getMap(), id, after);
  countDecision(state.queueName.value, after, ids.length);
  void removeDecided(ids);
  return true;
}

/**
 * Let undo and redo apply to a shift of images that was made.
 *
 * @param entry - Id of the last shift's entry, if this one goes on with it: then both are taken back at once.
 * @returns The id of the entry.
 */
export function recordShift(shift: ShiftChange, entry: string | null): string {
  if (entry !== null && history.amendShift(entry, shift)) return entry;
  const id = newUuid();
  history.add({ id, action: "shift", landslideId: null, shift });
  updateUndoable();
  return id;
}

/** Undo the last decision of this browser, and go back to its landslide. */
export function undo(): void {
  const entry = history.lastDone;
  if (!entry) return showNotice("Nothing to undo");
  if (entry.shift) {
    if (!setImageShift(entry.shift.scene, entry.shift.before)) return;
    history.undo(entry.id);
    updateUndoable();
    return showNotice("Undone: shift of the images");
  }
  const decision = reversalOf(entry);
  if (!addToOutbox(decision)) return;
  history.undo(decision.id);
  updateUndoable();
  showNotice(`Undone: ${entry.action}`);
  const { action, landslideId, before } = entry;
  if (action === "draw") countDecision("accepted", "withdrawn");
  if (action === "comment" || action === "draw" || !landslideId) return;
  if (action === "describe") {
    undoTargets.set(decision.id, landslideId); // what it was said to be before is known when the undo is saved
    return;
  }
  markUndecided(landslideId);
  undoTargets.set(decision.id, landslideId);
  if (!before) return; // decided before a reload: it is selected when the undo is saved
  setDisplayState(getMap(), landslideId, null);
  countDecision(STATE_AFTER[action], before.properties.review_state);
  returnToQueue(withSavedVersion(before));
}

/** Do again what was undone last. */
export function redo(): void {
  const entry = history.lastUndone;
  if (!entry) return showNotice("Nothing to redo");
  if (entry.shift) {
    if (!setImageShift(entry.shift.scene, entry.shift.after)) return;
    history.redo(entry.id);
    updateUndoable();
    return showNotice("Redone: shift of the images");
  }
  const decision = reversalOf(entry);
  if (!addToOutbox(decision)) return;
  history.redo(decision.id);
  updateUndoable();
  showNotice(`Redone: ${entry.action}`);
  if (entry.action === "draw") countDecision("withdrawn", "accepted");
  if (entry.action === "describe" && entry.landslideId) undoTargets.set(decision.id, entry.landslideId);
  if (entry.before && STATE_AFTER[entry.action]) showDecided([entry.before], entry.action);
}

/** Decide again, after a conflict, on the landslides as they are now. */
function decideAgain(decision: Decision, landslides: Landslide[]): void {
  const again: Decision = { ...decision, id: newUuid(), landslides: versionsOf(landslides) };
  if (!addToOutbox(again)) return;
  const [first] = landslides;
  if (decision.action !== "undo")
    history.add({ id: again.id, action: decision.action, landslideId: first?.id ?? null, before: first });
  updateUndoable();
  if (decision.action !== "describe") void removeDecided(landslides.map(({ id }) => id));
}

/** The decision that undoes the one of an entry. */
const reversalOf = ({ id }: HistoryEntry): Decision => ({
  id: newUuid(),
  action: "undo",
  undoes: id,
  by: state.reviewer.value,
});

const versionsOf = (landslides: readonly Landslide[]): Record<string, number> =>
  Object.fromEntries(landslides.map(({ id, properties }) => [id, properties.version]));

/** The scene in whose images a landslide is drawn, and the region that it is given. */
function sceneAndRegion(): Pick<Decision, "scene" | "region"> {
  const region = state.filters.value.region || state.current.value?.properties.region;
  return { ...(state.scene.value ? { scene: state.scene.value.id } : {}), ...(region ? { region } : {}) };
}

/** Colour landslides by a decision, count it and go on to the next one. */
function showDecided(landslides: readonly Landslide[], action: Action | UndoableAction): void {
  for (const { id, properties } of landslides) {
    const after = id === landslides[0]?.id ? STATE_AFTER[action] : "withdrawn"; // merged into the first one
    if (after) setDisplayState(getMap(), id, after);
    countDecision(properties.review_state, after);
  }
  void removeDecided(landslides.map(({ id }) => id));
}

/** Show what a landslide is said to be before the server has it. */
function showDescribed(id: string, attributes: Attributes): void {
  const described = (landslide: Landslide): Landslide =>
    landslide.id === id ? { ...landslide, properties: { ...landslide.properties, ...attributes } } : landslide;
  state.queue.value = state.queue.value.map(described);
  if (state.current.value) state.current.value = described(state.current.value);
}

/** Store and send a decision; returns false, with a notice, where the browser cannot store it. */
function addToOutbox(decision: Decision): boolean {
  try {
    outbox.add(decision);
    return true;
  } catch {
    showNotice("The browser's storage is full: send or discard the waiting decisions before you go on", "bad");
    return false;
  }
}

/** The server has made a decision: take over the new versions, and after an undo show its landslide. */
function handleSaved(decision: Decision, changes: readonly VersionChange[]): void {
  for (const { id, version_after } of changes) savedVersions.set(id, version_after);
  markSaved(changes.map(({ id }) => id));
  state.queue.value = state.queue.value.map(withSavedVersion);
  if (state.current.value) state.current.value = withSavedVersion(state.current.value);
  if (OUTLINE_ACTIONS.includes(decision.action)) reloadLandslideTiles(getMap());
  if (decision.action === "describe") void reloadCurrent();
  if (decision.action !== "undo") return;
  for (const { id, status } of changes) {
    setDisplayState(getMap(), id, null);
    if (status === "candidate") markUndecided(id);
  }
  const target = undoTargets.get(decision.id);
  undoTargets.delete(decision.id);
  const reviewerWentOn = outbox.decisions.length > 0;
  if (target && !reviewerWentOn) selectById(target).catch(() => undefined);
  void refreshQueue();
}

/** The landslide with the newest version number that the server has answered with. */
function withSavedVersion(landslide: Landslide): Landslide {
  const version = savedVersions.get(landslide.id) ?? 0;
  if (version <= landslide.properties.version) return landslide;
  return { ...landslide, properties: { ...landslide.properties, version } };
}

/** The server refuses a decision: show the landslides as they were, and where somebody else was first, ask. */
function handleRefused(decision: Decision, error: RequestError): void {
  history.forget(decision.id);
  updateUndoable();
  for (const id of Object.keys(decision.landslides ?? {})) {
    setDisplayState(getMap(), id, null);
    markUndecided(id);
  }
  void refreshQueue();
  if (decision.action === "describe") void reloadCurrent();
  if (error.status === 409) showConflict(decision, error.currentRecords, decideAgain);
  else if (decision.geometry) keepRefused(decision, error.message);
  else showNotice(`Not made: ${decision.action}: ${error.message}`, "bad");
}

function updateUndoable(): void {
  state.undoable.value = { undo: history.lastDone?.action ?? null, redo: history.lastUndone?.action ?? null };
}

/** A random UUID. `crypto.randomUUID` is missing where the page comes from another machine without TLS. */
function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
