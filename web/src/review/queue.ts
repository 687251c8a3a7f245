// The queue of landslides to decide on, loaded from the server in the order that is chosen.
import { centreOf } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { getMap, moveIntoView } from "../map/view.ts";
import { getJson, getQueue, refusesFilters, RequestError } from "../server/api.ts";
import type { Landslide, LandslideDetails, ReviewProgress, ReviewState } from "../server/types.ts";
import { NO_FILTERS, type QueueName, state } from "../state.ts";
import { Trail } from "./trail.ts";

const FETCH_SIZE = 60; // landslides per request
const VIEW_DELAY = 150; // ms without a movement of the map before a queue that is bound to its view is loaded again
const MAX_WITHOUT = 10_000; // ids that a request may leave out
const REFILL_BELOW = 12; // landslides left when more are loaded

/** Ids of landslides decided on since the queue began: an answer on its way may still hold them. */
const decidedIds = new Set<string>();
/** Those of them whose decision the server does not have yet. */
const unsavedIds = new Set<string>();
/** Ids of landslides passed over without a decision; they come again when nothing else is left. */
const skippedIds = new Set<string>();
const trail = new Trail();
let latestRequest = 0;
let latestSelection = 0;
let pendingRequest: Promise<void> | null = null;
/** How often `countDecision` has changed the progress. */
let localCounts = 0;

/** Let map, details and queue follow the current landslide and each other. */
export function connectQueue(): void {
  let lastId: string | undefined;
  state.current.subscribe((current) => {
    if (current && current.id !== lastId) moveIntoView(current.geometry);
    lastId = current?.id;
    if (!current || state.details.value?.feature.id !== current.id) state.details.value = null;
  });
  let detailedId: string | undefined;
  state.details.subscribe((details) => {
    const isAnother = details?.feature.id !== detailedId; // of the same one, the reviewer's choice of a scene stays
    detailedId = details?.feature.id;
    const sceneId = details?.observations.at(-1)?.scene_id;
    const scene = state.scenes.value.find(({ id }) => id === sceneId);
    if (scene && isAnother) state.scene.value = scene;
  });
  let started = false;
  state.onlyInView.subscribe((only) => {
    if (started) void restartQueue();
    started = true;
    if (only) showNotice("The queue holds only landslides in view");
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  getMap().on("moveend", () => {
    clearTimeout(timer);
    if (state.onlyInView.value) timer = setTimeout(() => void refreshQueue(), VIEW_DELAY);
  });
}

/** The filters as the API's query: those of the panel, and the map's view if the queue is bound to it. */
export function filterParameters(): Record<string, string> {
  const bbox = state.onlyInView.value ? getMap().getBounds().toArray().flat().join(",") : "";
  return { ...state.filters.value, ...(bbox ? { bbox } : {}) };
}

/** Whether filters or the view keep landslides out of the queue. */
export function hasFilters(): boolean {
  const { review_state: _onTheMapOnly, ...filters } = state.filters.value;
  return state.onlyInView.value || Object.values(filters).some(Boolean);
}

/** Let the queue hold landslides of all kinds and places again. */
export function clearFilters(): void {
  state.filters.value = NO_FILTERS;
  const restartsItself = state.onlyInView.value;
  state.onlyInView.value = false;
  if (!restartsItself) void restartQueue();
}

/** Walk another queue. */
export function openQueue(name: QueueName): void {
  state.queueName.value = name;
  void restartQueue();
}

/** Load the queue again, from the current landslide on or from the centre of the map; the current one stays. */
export function refreshQueue(): Promise<void> {
  const currentId = state.current.value?.id;
  return load(state.queue.value.filter(({ id }) => id === currentId));
}

/** Load what follows the landslides of the queue that stay. */
function load(staying: readonly Landslide[]): Promise<void> {
  const requestNumber = ++latestRequest;
  state.queueAnswer.value = "awaited";
  const countsBefore = localCounts;
  const without = [...unsavedIds, ...skippedIds, ...staying.map(({ id }) => id)];
  const currentId = state.current.value?.id;
  if (currentId) without.push(currentId);
  pendingRequest = getQueue(queueParameters(staying.at(-1)), [...new Set(without)].slice(-MAX_WITHOUT))
    .then(({ features, progress }) => {
      if (requestNumber !== latestRequest) return; // a later request has other filters or another place
      state.filterError.value = null;
      updateProgress(progress, countsBefore);
      const stayingNow = state.queue.value.filter(({ id }) => staying.some((landslide) => landslide.id === id));
      const there = new Set([...decidedIds, ...skippedIds, ...stayingNow.map(({ id }) => id)]);
      state.queue.value = [...stayingNow, ...features.filter(({ id }) => !there.has(id))];
      state.queueAnswer.value = "given";
    })
    .catch((error: Error) => {
      if (requestNumber !== latestRequest) return;
      state.queueAnswer.value = "failed";
      if (error instanceof RequestError && refusesFilters(error.status)) state.filterError.value = error.message;
      else showNotice(`The queue cannot be read: ${error.message}`, "bad");
    })
    .finally(() => {
      pendingRequest = null;
    });
  return pendingRequest;
}

/** The query of the queue, which goes on from a landslide, else from the current one or the map's centre. */
function queueParameters(last: Landslide | undefined): Record<string, string | number> {
  const { review_state: _onTheMapOnly, ...filters } = { ...NO_FILTERS, ...filterParameters() };
  const from = last ?? state.current.value;
  const start = from ? centreOf(from.geometry) : getMap().getCenter().toArray();
  return {
    ...filters,
    state: state.queueName.value,
    order: state.order.value,
    near: start.join(","),
    limit: FETCH_SIZE,
  };
}

/** Show the server's progress, unless decisions were counted here that the server did not have when it counted. */
function updateProgress(progress: ReviewProgress, countsBefore: number): void {
  const serverHasAll = countsBefore === localCounts && state.pending.value.count === 0;
  if (!state.progress.value || serverHasAll) state.progress.value = progress;
}

/** Count a landslide that comes from one state into another in the progress, before the server has the decision. */
export function countDecision(from: ReviewState | undefined, to: ReviewState | undefined, count = 1): void {
  localCounts++;
  if (!state.progress.value || !from || !to) return;
  const progress = { ...state.progress.value };
  if (from !== "withdrawn") progress[from] -= count;
  if (to !== "withdrawn") progress[to] += count;
  progress.decided = progress.accepted + progress.rejected;
  progress.total = progress.decided + progress.open + progress.unsure + progress["bad imagery"] + progress.disputed;
  state.progress.value = progress;
}

/** Load the queue from its beginning, with the landslides that were passed over, and select the first one. */
export async function restartQueue(): Promise<void> {
  skippedIds.clear();
  for (const id of decidedIds) if (!unsavedIds.has(id)) decidedIds.delete(id);
  select(null);
  state.queue.value = [];
  await refreshQueue();
  select(firstAhead());
}

/** The first landslide of the queue from a place on that was not passed over. */
const firstAhead = (place = 0): Landslide | null =>
  state.queue.value.find(({ id }, index) => index >= place && !skippedIds.has(id)) ?? null;

/** The landslides that come after the current one, unless the reviewer chooses others. */
export function upcoming(count: number): Landslide[] {
  const place = state.queue.value.findIndex(({ id }) => id === state.current.value?.id);
  return state.queue.value
    .slice(place + 1)
    .filter(({ id }) => !skippedIds.has(id))
    .slice(0, count);
}

/** Make a landslide the current one, and load its details; null where none is left. */
export function select(landslide: Landslide | null): void {
  if (landslide) trail.visit(landslide.id);
  show(landslide);
}

function show(landslide: Landslide | null): void {
  latestSelection++;
  state.current.value = landslide;
  if (landslide) void loadDetails(landslide.id);
}

/**
 * Make a landslide the current one of which only the id is known; throws the errors of `getJson`.
 *
 * Where the reviewer has gone on before the server answers, the landslide is not selected any more: the next decision
 * would be made on a landslide that has only just come.
 */
export async function selectById(id: string): Promise<void> {
  const selection = ++latestSelection;
  const details = await getDetails(id);
  if (selection !== latestSelection) return;
  trail.visit(id);
  state.current.value = details.feature;
  state.details.value = details;
}

const getDetails = (id: string): Promise<LandslideDetails> =>
  getJson<LandslideDetails>(`landslides/${encodeURIComponent(id)}`);

/** Load a landslide's details if it is still the current one then; without them what the queue has is shown. */
async function loadDetails(id: string): Promise<void> {
  const details = await getDetails(id).catch(() => null);
  if (state.current.value?.id === id) state.details.value = details;
}

/** Load the current landslide again, because somebody has changed it; a later choice of the reviewer goes before. */
export async function reloadCurrent(): Promise<void> {
  const id = state.current.value?.id;
  const selection = latestSelection;
  const details = id ? await getDetails(id).catch(() => null) : null;
  if (!details || selection !== latestSelection || state.mode.value !== "look") return;
  state.queue.value = state.queue.value.map((landslide) => (landslide.id === id ? details.feature : landslide));
  state.current.value = details.feature;
  state.details.value = details;
}

/** Select the landslide after the current one in the queue, or the one that was looked at before. */
export async function selectNeighbour(step: 1 | -1): Promise<void> {
  if (step < 0) return goAlong(trail.back(), "There is nothing before this landslide");
  const currentId = state.current.value?.id;
  const cameFrom = trail.forward();
  if (cameFrom) return goAlong(cameFrom);
  if (currentId && !decidedIds.has(currentId)) skippedIds.add(currentId);
  const place = state.queue.value.findIndex(({ id }) => id === currentId);
  if (!firstAhead(place + 1)) await load(state.queue.value);
  if (!firstAhead(place + 1) && skippedIds.size > 1) {
    skippedIds.clear();
    showNotice("Nothing else is left: the queue begins again with the landslides that were passed over");
    await refreshQueue();
  }
  const next = firstAhead(state.queue.value.findIndex(({ id }) => id === currentId) + 1);
  if (next) select(next);
}

/** Select a landslide of the trail, which may be decided on by now. */
async function goAlong(id: string | undefined, otherwise = ""): Promise<void> {
  if (!id) return showNotice(otherwise);
  const queued = state.queue.value.find((landslide) => landslide.id === id);
  if (queued) show(queued);
  else await selectById(id).catch((error: Error) => showNotice(error.message, "bad"));
}

/** Select the landslide below the current one in the list, or the one above. */
export function selectInList(step: 1 | -1): void {
  const place = state.queue.value.findIndex(({ id }) => id === state.current.value?.id);
  const landslide = state.queue.value[place + step];
  if (landslide) select(landslide);
}

/** Remove landslides that were decided on from the queue, and go on: to where `previous` came from, or to the next. */
export async function removeDecided(ids: readonly string[]): Promise<void> {
  markDecided(ids);
  const gone = new Set(ids);
  const place = state.queue.value.findIndex(({ id }) => gone.has(id));
  state.queue.value = state.queue.value.filter(({ id }) => !gone.has(id));
  let cameFrom = trail.forward();
  while (cameFrom && decidedIds.has(cameFrom)) cameFrom = trail.forward();
  if (cameFrom) await goAlong(cameFrom);
  else select(firstAhead(Math.max(place, 0)) ?? firstAhead());
  if (state.queue.value.length < REFILL_BELOW) await refillQueue();
}

/** Load more landslides, and select the first one if none is selected. */
async function refillQueue(): Promise<void> {
  await (pendingRequest ?? load(state.queue.value));
  if (!state.current.value) select(firstAhead() ?? state.queue.value[0] ?? null);
}

/** Put a landslide, whose decision was undone, at the beginning of the queue and select it. */
export function returnToQueue(landslide: Landslide): void {
  markUndecided(landslide.id);
  skippedIds.delete(landslide.id);
  state.queue.value = [landslide, ...state.queue.value.filter(({ id }) => id !== landslide.id)];
  select(landslide);
}

/** Keep landslides out of the queue whose decision is on its way. */
export function markDecided(ids: readonly string[]): void {
  for (const id of ids) {
    decidedIds.add(id);
    unsavedIds.add(id);
    skippedIds.delete(id);
  }
}

/** The server has the decisions on these landslides, and leaves them out itself. */
export function markSaved(ids: readonly string[]): void {
  for (const id of ids) unsavedIds.delete(id);
}

/** Let a landslide come in the queue again; it is not decided after all. */
export function markUndecided(id: string): void {
  decidedIds.delete(id);
  unsavedIds.delete(id);
}
