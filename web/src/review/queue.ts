// What is looked at next: a list from the server, walked so that the map does not jump.
import { get } from "../server/api.ts";
import { middle } from "../lib/geometry.ts";
import { say } from "../lib/notice.ts";
import { NO_FILTERS, state } from "../state.ts";
import type { Collection, Feature, Progress, Story } from "../server/types.ts";
import { mapView } from "../map/view.ts";

const TAKEN = 60; // landslides at once
const LEAST = 12; // of them left before more are asked for

/** Landslides that were decided on here: the server may not know of it yet. */
const decided = new Set<string>();
/** Landslides that were passed over; they come again when nothing else is left. */
const passed = new Set<string>();
let asked = 0;
/** How often the progress was counted here, before the server knew. */
let counted = 0;
let asking: Promise<void> | null = null;

/** Conditions of the queue as the server takes them. */
export function conditions(): Record<string, string> {
  const { filters, inView } = state;
  const bbox = inView.value ? mapView().getBounds().toArray().flat().join(",") : "";
  return { ...filters.value, ...(bbox ? { bbox } : {}) };
}

/** Ask anew what is next, beginning where the map is. */
export function renew(): Promise<void> {
  const mine = ++asked;
  const before = counted;
  const from = state.current.value ? middle(state.current.value) : mapView().getCenter().toArray();
  const { status: _status, ...wanted } = { ...NO_FILTERS, ...conditions() };
  const values = {
    ...wanted,
    order: state.order.value,
    near: from.join(","),
    limit: Math.min(200, TAKEN + passed.size + state.waiting.value.count),
  };
  asking = get<Collection & { progress: Progress }>("queue", values)
    .then((found) => {
      if (mine !== asked) return;
      tellProgress(found.progress, before);
      const current = state.current.value?.id;
      const fresh = found.features.filter(({ id }) => !decided.has(id) && !passed.has(id) && id !== current);
      const kept = state.queue.value.filter(({ id }) => id === current);
      state.queue.value = [...kept, ...fresh];
    })
    .catch((error: Error) => say(`The queue cannot be read: ${error.message}`, "bad"))
    .finally(() => {
      asking = null;
    });
  return asking;
}

/** Progress as the server has it, unless it does not know of all that was decided here when it was asked. */
function tellProgress(progress: Progress, before: number): void {
  if (!state.progress.value || (before === counted && state.waiting.value.count === 0)) state.progress.value = progress;
}

/** Count decisions that the server does not have yet. */
export function count(of: readonly Feature[], by: 1 | -1): void {
  counted++;
  const { value } = state.progress;
  const open = of.filter(({ properties }) => properties.status === "candidate" && properties.author === "run").length;
  if (value) state.progress.value = { ...value, decided: value.decided + by * open };
}

/** Begin anew, with what was passed over. */
export async function restart(): Promise<void> {
  passed.clear();
  state.current.value = null;
  state.queue.value = [];
  await renew();
  const first = state.queue.value[0];
  if (first) go(first);
}

/** Look at a landslide. */
export function go(feature: Feature): void {
  state.current.value = feature;
  void tell(feature.id);
}

/** Look at a landslide that is known by its id alone. */
export async function goTo(id: string): Promise<void> {
  const story = await get<Story>(`landslides/${encodeURIComponent(id)}`);
  state.current.value = story.feature;
  state.story.value = story;
}

async function tell(id: string): Promise<void> {
  try {
    const story = await get<Story>(`landslides/${encodeURIComponent(id)}`);
    if (state.current.value?.id === id) state.story.value = story;
  } catch {
    if (state.current.value?.id === id) state.story.value = null; // what the queue said of it is shown
  }
}

/** Go on to the one after or before the present one in the list. */
export async function step(by: 1 | -1): Promise<void> {
  const here = state.current.value?.id;
  if (here && by > 0) passed.add(here);
  const beside = (): Feature | undefined => {
    const list = state.queue.value;
    return list[list.findIndex(({ id }) => id === here) + by];
  };
  if (!beside() && by > 0) await renew();
  if (!beside() && by > 0 && passed.size > 1) {
    passed.clear();
    say("Nothing else is left: begins again with what was passed over");
    await renew();
  }
  const next = beside();
  if (next) go(next);
}

/** A landslide is done with: go on to the next. */
export async function done(ids: readonly string[]): Promise<void> {
  for (const id of ids) decided.add(id);
  const list = state.queue.value;
  const here = list.findIndex(({ id }) => ids.includes(id));
  const left = list.filter(({ id }) => !ids.includes(id));
  state.queue.value = left;
  const next = left[Math.min(Math.max(here, 0), left.length - 1)];
  if (next) go(next);
  else state.current.value = null;
  if (left.length < LEAST) await more();
}

/** A landslide is to be decided on again. */
export function back(feature: Feature): void {
  decided.delete(feature.id);
  passed.delete(feature.id);
  state.queue.value = [feature, ...state.queue.value.filter(({ id }) => id !== feature.id)];
  go(feature);
}

/** A landslide waits for a decision again. */
export const reopen = (id: string): boolean => decided.delete(id);

async function more(): Promise<void> {
  await (asking ?? renew());
  if (state.current.value) return;
  const first = state.queue.value[0];
  if (first) go(first);
}
