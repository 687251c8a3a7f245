// What a reviewer has begun and not yet decided, kept in the browser over a reload: shapes, comments, filters.
import type { BrowserStorage } from "../lib/storage.ts";
import type { Decision, ServerInfo } from "../server/types.ts";
import { NO_FILTERS, type RefusedDecision, state, type ShapeDraft } from "../state.ts";

const SHAPE = "draft.shape";
const REFUSED = "draft.refused";
const COMMENTS = "draft.comments";
const QUEUE = "draft.queue";

let storage: BrowserStorage;

/** Load what an earlier page of this survey has left. */
export function startDrafts(surveyStorage: BrowserStorage, info: ServerInfo): void {
  storage = surveyStorage;
  state.refused.value = storage.get<RefusedDecision[]>(REFUSED, []);
  state.refused.subscribe((refused) => keep(REFUSED, refused.length ? refused : null));
  restoreQueueSettings(info);
}

/** Take up filters, order and queue as they were; a region or an event that is gone would hide everything. */
function restoreQueueSettings({ regions, events, assigned }: ServerInfo): void {
  const { filters, order, queueName, onlyInView } = storage.get<Partial<QueueSettings>>(QUEUE, {});
  const restored = { ...NO_FILTERS };
  for (const name of Object.keys(NO_FILTERS) as (keyof typeof NO_FILTERS)[])
    if (typeof filters?.[name] === "string") restored[name] = filters[name];
  const name = state.reviewer.value; // who has areas of his or her own begins with these
  if (filters?.assigned_to === undefined && assigned.includes(name)) restored.assigned_to = name;
  if (!assigned.includes(restored.assigned_to)) restored.assigned_to = "";
  if (!regions.includes(restored.region)) restored.region = "";
  if (!events.includes(restored.event)) restored.event = "";
  state.filters.value = restored;
  if (order) state.order.value = order;
  if (queueName) state.queueName.value = queueName;
  state.onlyInView.value = onlyInView === true;
  for (const signal of [state.filters, state.order, state.queueName, state.onlyInView])
    signal.subscribe(() => keep(QUEUE, presentQueueSettings()));
}

const presentQueueSettings = () => ({
  filters: state.filters.value,
  order: state.order.value,
  queueName: state.queueName.value,
  onlyInView: state.onlyInView.value,
});
type QueueSettings = ReturnType<typeof presentQueueSettings>;

/** Store a value, or remove it; a browser whose storage is full goes on without. */
function keep(key: string, value: unknown): void {
  try {
    if (value === null) storage.remove(key);
    else storage.set(key, value);
  } catch {
    // The outbox says that the storage is full where it matters: when a decision cannot be stored.
  }
}

/** The shape that was being drawn when the page was left; null where none was. */
export const shapeDraft = (): ShapeDraft | null => storage.get<ShapeDraft | null>(SHAPE, null);

/** Keep the shape that is being drawn; null when it is finished or left. */
export const keepShape = (draft: ShapeDraft | null): void => keep(SHAPE, draft);

/** Keep a decision with a shape that the server has refused, so that the reviewer can correct it. */
export function keepRefused(decision: Decision, reason: string): void {
  state.refused.value = [...state.refused.value, { decision, reason }];
}

/** Forget a decision that was refused: it is being corrected, or dropped. */
export function forgetRefused(decision: Decision): void {
  state.refused.value = state.refused.value.filter((refused) => refused.decision.id !== decision.id);
}

/** The comment on a landslide that was begun; empty where none was. */
export const commentDraft = (landslideId: string): string =>
  storage.get<Record<string, string>>(COMMENTS, {})[landslideId] ?? "";

/** Keep a comment that is being written; an empty text forgets it. */
export function keepComment(landslideId: string, text: string): void {
  const { [landslideId]: _former, ...others } = storage.get<Record<string, string>>(COMMENTS, {});
  keep(COMMENTS, text ? { ...others, [landslideId]: text } : others);
}
