// What is looked at next: a list from the server, walked so that the map does not jump.
import { getJson } from "../server/api.ts";
import { centreOf } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { NO_FILTERS, state } from "../state.ts";
import type { LandslideCollection, Landslide, ReviewProgress, LandslideDetails } from "../server/types.ts";
import { getMap } from "../map/view.ts";

const FETCH_SIZE = 60; // landslides at once
const REFILL_BELOW = 12; // of them left before more are asked for

/** Landslides that were decided on here: the server may not know of it yet. */
const decided = new Set<string>();
/** Landslides that were passed over; they come again when nothing else is left. */
const skipped = new Set<string>();
let latestRequest = 0;
/** How often the progress was counted here, before the server knew. */
let localCounts = 0;
let pendingRequest: Promise<void> | null = null;

/** Conditions of the queue as the server takes them. */
export function filterParameters(): Record<string, string> {
  const { filters, onlyInView: inView } = state;
  const bbox = inView.value ? getMap().getBounds().toArray().flat().join(",") : "";
  return { ...filters.value, ...(bbox ? { bbox } : {}) };
}

/** Ask anew what is next, beginning where the map is. */
export function refreshQueue(): Promise<void> {
  const requestNumber = ++latestRequest;
  const before = localCounts;
  const from = state.current.value ? centreOf(state.current.value) : getMap().getCenter().toArray();
  const { status: _status, ...wanted } = { ...NO_FILTERS, ...filterParameters() };
  const values = {
    ...wanted,
    order: state.order.value,
    near: from.join(","),
    limit: Math.min(200, FETCH_SIZE + skipped.size + state.pending.value.count),
  };
  pendingRequest = getJson<LandslideCollection & { progress: ReviewProgress }>("queue", values)
    .then((found) => {
      if (requestNumber !== latestRequest) return;
      updateProgress(found.progress, before);
      const current = state.current.value?.id;
      const added = found.features.filter(({ id }) => !decided.has(id) && !skipped.has(id) && id !== current);
      const kept = state.queue.value.filter(({ id }) => id === current);
      state.queue.value = [...kept, ...added];
    })
    .catch((error: Error) => showNotice(`The queue cannot be read: ${error.message}`, "bad"))
    .finally(() => {
      pendingRequest = null;
    });
  return pendingRequest;
}

/** Progress as the server has it, unless it does not know of all that was decided here when it was asked. */
function updateProgress(progress: ReviewProgress, before: number): void {
  if (!state.progress.value || (before === localCounts && state.pending.value.count === 0))
    state.progress.value = progress;
}

/** Count decisions that the server does not have yet. */
export function countDecisions(of: readonly Landslide[], by: 1 | -1): void {
  localCounts++;
  const { value } = state.progress;
  const open = of.filter(({ properties }) => properties.status === "candidate" && properties.author === "run").length;
  if (value) state.progress.value = { ...value, decided: value.decided + by * open };
}

/** Begin anew, with what was passed over. */
export async function restartQueue(): Promise<void> {
  skipped.clear();
  state.current.value = null;
  state.queue.value = [];
  await refreshQueue();
  const first = state.queue.value[0];
  if (first) select(first);
}

/** Look at a landslide. */
export function select(feature: Landslide): void {
  state.current.value = feature;
  void loadDetails(feature.id);
}

/** Look at a landslide that is known by its id alone. */
export async function selectById(id: string): Promise<void> {
  const story = await getJson<LandslideDetails>(`landslides/${encodeURIComponent(id)}`);
  state.current.value = story.feature;
  state.details.value = story;
}

async function loadDetails(id: string): Promise<void> {
  try {
    const story = await getJson<LandslideDetails>(`landslides/${encodeURIComponent(id)}`);
    if (state.current.value?.id === id) state.details.value = story;
  } catch {
    if (state.current.value?.id === id) state.details.value = null; // what the queue said of it is shown
  }
}

/** Go on to the one after or before the present one in the list. */
export async function selectNeighbour(by: 1 | -1): Promise<void> {
  const here = state.current.value?.id;
  if (here && by > 0) skipped.add(here);
  const neighbour = (): Landslide | undefined => {
    const list = state.queue.value;
    return list[list.findIndex(({ id }) => id === here) + by];
  };
  if (!neighbour() && by > 0) await refreshQueue();
  if (!neighbour() && by > 0 && skipped.size > 1) {
    skipped.clear();
    showNotice("Nothing else is left: begins again with what was passed over");
    await refreshQueue();
  }
  const next = neighbour();
  if (next) select(next);
}

/** A landslide is done with: go on to the next. */
export async function removeDecided(ids: readonly string[]): Promise<void> {
  for (const id of ids) decided.add(id);
  const list = state.queue.value;
  const here = list.findIndex(({ id }) => ids.includes(id));
  const left = list.filter(({ id }) => !ids.includes(id));
  state.queue.value = left;
  const next = left[Math.min(Math.max(here, 0), left.length - 1)];
  if (next) select(next);
  else state.current.value = null;
  if (left.length < REFILL_BELOW) await refillQueue();
}

/** A landslide is to be decided on again. */
export function returnToQueue(feature: Landslide): void {
  decided.delete(feature.id);
  skipped.delete(feature.id);
  state.queue.value = [feature, ...state.queue.value.filter(({ id }) => id !== feature.id)];
  select(feature);
}

/** A landslide waits for a decision again. */
export const markUndecided = (id: string): boolean => decided.delete(id);

async function refillQueue(): Promise<void> {
  await (pendingRequest ?? refreshQueue());
  if (state.current.value) return;
  const first = state.queue.value[0];
  if (first) select(first);
}
