// The queue of landslides to decide on: loaded from the server in an order in which the map does not jump.
import { centreOf } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { getMap, moveIntoView } from "../map/view.ts";
import { getJson, refusesFilters, RequestError } from "../server/api.ts";
import type { Landslide, LandslideDetails, QueueResponse, ReviewProgress } from "../server/types.ts";
import { NO_FILTERS, state } from "../state.ts";

const FETCH_SIZE = 60; // landslides per request
const MAX_FETCH_SIZE = 200; // what the server allows
const VIEW_DELAY = 150; // ms without a movement of the map before a queue that is bound to its view is loaded again
const REFILL_BELOW = 12; // landslides left when more are loaded

/** Ids of landslides decided on in this page: the server may not have the decisions yet. */
const decidedIds = new Set<string>();
/** Ids of landslides passed over without a decision; they come again when nothing else is left. */
const skippedIds = new Set<string>();
let latestRequest = 0;
let latestSelection = 0;
let pendingRequest: Promise<void> | null = null;
/** How often `countDecisions` has changed the progress. */
let localCounts = 0;

/** Let map, details and queue follow the current landslide and each other. */
export function connectQueue(): void {
  let lastId: string | undefined;
  state.current.subscribe((current) => {
    if (current && current.id !== lastId) moveIntoView(current.geometry);
    lastId = current?.id;
    if (!current || state.details.value?.feature.id !== current.id) state.details.value = null;
  });
  state.details.subscribe((details) => {
    const sceneId = details?.observations.at(-1)?.scene_id;
    const scene = state.scenes.value.find(({ id }) => id === sceneId);
    if (scene) state.scene.value = scene;
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

/** Load the queue again, from the current landslide on or from the centre of the map; the current one stays. */
export function refreshQueue(): Promise<void> {
  const requestNumber = ++latestRequest;
  const countsBefore = localCounts;
  pendingRequest = getJson<QueueResponse>("queue", queueParameters())
    .then(({ features, progress }) => {
      if (requestNumber !== latestRequest) return; // a later request has other filters or another place
      state.filterError.value = null;
      updateProgress(progress, countsBefore);
      const currentId = state.current.value?.id;
      const added = features.filter(({ id }) => !decidedIds.has(id) && !skippedIds.has(id) && id !== currentId);
      const retained = state.queue.value.filter(({ id }) => id === currentId);
      state.queue.value = [...retained, ...added];
    })
    .catch((error: Error) => {
      if (requestNumber !== latestRequest) return;
      if (error instanceof RequestError && refusesFilters(error.status)) state.filterError.value = error.message;
      else showNotice(`The queue cannot be read: ${error.message}`, "bad");
    })
    .finally(() => {
      pendingRequest = null;
    });
  return pendingRequest;
}

/** The query of the queue: enough landslides that some are left without those skipped or not yet saved. */
function queueParameters(): Record<string, string | number> {
  const { status: _status, ...filters } = { ...NO_FILTERS, ...filterParameters() };
  const current = state.current.value;
  const start = current ? centreOf(current.geometry) : getMap().getCenter().toArray();
  const limit = Math.min(MAX_FETCH_SIZE, FETCH_SIZE + skippedIds.size + state.pending.value.count);
  return { ...filters, order: state.order.value, near: start.join(","), limit };
}

/** Show the server's progress, unless decisions were counted here that the server did not have when it counted. */
function updateProgress(progress: ReviewProgress, countsBefore: number): void {
  const serverHasAll = countsBefore === localCounts && state.pending.value.count === 0;
  if (!state.progress.value || serverHasAll) state.progress.value = progress;
}

/** Count decisions, or with -1 undone ones, in the progress before the server has them. */
export function countDecisions(landslides: readonly Landslide[], sign: 1 | -1): void {
  localCounts++;
  const { value } = state.progress;
  const open = landslides.filter(({ properties }) => properties.status === "candidate" && properties.author === "run");
  if (value) state.progress.value = { ...value, decided: value.decided + sign * open.length };
}

/** Load the queue from its beginning, with the landslides that were passed over, and select the first one. */
export async function restartQueue(): Promise<void> {
  skippedIds.clear();
  select(null);
  state.queue.value = [];
  await refreshQueue();
  selectFirst();
}

/** Make a landslide the current one, and load its details; null where none is left. */
export function select(landslide: Landslide | null): void {
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

function selectFirst(): void {
  const first = state.queue.value[0];
  if (first) select(first);
}

/** Select the landslide after the current one in the queue, or the one before it. */
export async function selectNeighbour(step: 1 | -1): Promise<void> {
  const currentId = state.current.value?.id;
  if (currentId && step > 0) skippedIds.add(currentId);
  const neighbour = (): Landslide | undefined => {
    const index = state.queue.value.findIndex(({ id }) => id === currentId);
    return state.queue.value[index + step];
  };
  if (!neighbour() && step > 0) await refreshQueue();
  if (!neighbour() && step > 0 && skippedIds.size > 1) {
    skippedIds.clear();
    showNotice("Nothing else is left: the queue begins again with the landslides that were passed over");
    await refreshQueue();
  }
  const landslide = neighbour();
  if (landslide) select(landslide);
}

/** Remove landslides that were decided on from the queue, and select the one after them. */
export async function removeDecided(ids: readonly string[]): Promise<void> {
  for (const id of ids) decidedIds.add(id);
  const index = state.queue.value.findIndex(({ id }) => ids.includes(id));
  const left = state.queue.value.filter(({ id }) => !ids.includes(id));
  state.queue.value = left;
  select(left[Math.min(Math.max(index, 0), left.length - 1)] ?? null);
  if (left.length < REFILL_BELOW) await refillQueue();
}

/** Load more landslides, and select the first one if none is selected. */
async function refillQueue(): Promise<void> {
  await (pendingRequest ?? refreshQueue());
  if (!state.current.value) selectFirst();
}

/** Put a landslide, whose decision was undone, at the beginning of the queue and select it. */
export function returnToQueue(landslide: Landslide): void {
  decidedIds.delete(landslide.id);
  skippedIds.delete(landslide.id);
  state.queue.value = [landslide, ...state.queue.value.filter(({ id }) => id !== landslide.id)];
  select(landslide);
}

/** Let a landslide come in the queue again; it is not decided after all. */
export function markUndecided(id: string): void {
  decidedIds.delete(id);
}
