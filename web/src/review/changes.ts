// What others decide, and what a new map brings: shown on the page while it is open, without a reload.
import { formatCounted } from "../lib/format.ts";
import { showNotice } from "../lib/notice.ts";
import { reloadLandslideTiles, setDisplayState } from "../map/landslides.ts";
import { getMap } from "../map/view.ts";
import { getJson } from "../server/api.ts";
import { followChanges } from "../server/changes.ts";
import type { ChangeEvent, DecisionNews, Scene } from "../server/types.ts";
import { state } from "../state.ts";
import { isPending, wasMadeHere } from "./decisions.ts";
import { replaceScenes } from "./image-shifts.ts";
import { markUndecided, refreshQueue, reloadCurrent, select } from "./queue.ts";

/** ms in which changes are gathered before the page shows them: a mapping run may bring many. */
const GATHERING_TIME = 500;

let gathered: ChangeEvent[] = [];

/** Follow all that changes from a mark on; called once the page is loaded. */
export function connectChanges(mark: string): void {
  followChanges(mark, (change) => {
    gathered.push(change);
    if (gathered.length === 1) setTimeout(() => void showChanges(gathered.splice(0)), GATHERING_TIME);
  });
  // A decision of somebody else on a landslide that is being edited is shown when the edit is over.
  state.mode.subscribe((mode) => {
    if (mode === "look" && staleId !== null && state.current.value?.id === staleId) void reloadCurrent();
    if (mode === "look") staleId = null;
    if (mode === "look" && areScenesStale) void reloadScenes();
  });
}

/** Id of a landslide that somebody else has changed while it is edited here. */
let staleId: string | null = null;
/** Whether there are other scenes, or other shifts of them, than this page has. */
let areScenesStale = false;

async function showChanges(changes: readonly ChangeEvent[]): Promise<void> {
  const decisions = changes.flatMap((change) => change.decisions);
  const own = new Set(decisions.filter(({ decision_id }) => wasMadeHere(decision_id)).map((one) => one.landslide_id));
  const ids = new Set(changes.flatMap((change) => change.ids));
  const foreign = decisions.filter(({ decision_id }) => !wasMadeHere(decision_id));
  const changedElsewhere = [...ids, ...foreign.map((one) => one.landslide_id)].filter(
    (id) => !own.has(id) || foreign.some((one) => one.landslide_id === id),
  );
  const areMore = changes.some(({ landslides, ids: named }) => landslides > named.length);
  if (changes.some(({ scenes }) => scenes)) await reloadScenes();
  if (!changedElsewhere.length && !areMore) return;
  for (const id of changedElsewhere.filter((one) => !isPending(one))) {
    setDisplayState(getMap(), id, null);
    markUndecided(id); // the queue, which is loaded again, knows whether it is
  }
  reloadLandslideTiles(getMap());
  await refreshQueue();
  const [next] = state.queue.value;
  if (!state.current.value && next && state.mode.value === "look") select(next);
  state.changeCount.value++;
  const runs = changes.reduce((sum, change) => sum + change.runs, 0);
  const news = changes.reduce((sum, change) => sum + change.landslides, 0);
  if (runs) showNotice(`A new map: ${formatCounted(news, "landslide")} new or changed`);
  const { current, mode } = { current: state.current.value, mode: state.mode.value };
  if (!current || !changedElsewhere.includes(current.id)) return;
  const last = foreign.findLast(({ landslide_id }) => landslide_id === current.id);
  if (mode === "look") await reloadCurrent();
  else staleId = current.id;
  if (last) showNotice(newsText(last, mode !== "look"), "bad");
}

/** Who decided what on the current landslide; during an edit also what becomes of that. */
function newsText({ by, action, status_after, why }: DecisionNews, isEditing: boolean): string {
  const who = by === state.reviewer.value ? "You, in another window," : by;
  const what = action ?? `set it to ${status_after}`;
  const reason = why && why !== action ? ` (${why})` : "";
  const kept = isEditing ? ". What you have begun stays; when you keep it, you are asked which decision holds" : "";
  return `${who} decided on this landslide meanwhile: ${what}${reason}${kept}`;
}

/** Load the scenes again; while the images are shifted here, when that is over. */
async function reloadScenes(): Promise<void> {
  areScenesStale = state.mode.value === "shift";
  if (areScenesStale) return;
  const scenes = await getJson<Scene[]>("scenes").catch(() => null);
  if (scenes) replaceScenes(scenes);
}
