// What each command of `keys.ts` does, whether a key, a button or the header gives it.
import { byId } from "../lib/dom.ts";
import { boundsOfAll } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { openOverlay } from "../lib/overlay.ts";
import { toggleTheme } from "../lib/theme.ts";
import { flipSwipe, moveSwipe } from "../map/swipe.ts";
import { centreOnOutline, getMap, showBounds } from "../map/view.ts";
import type { Landslide, Verdict } from "../server/types.ts";
import { mayDecide, onlyJudges, READ_ONLY, setDisplay, state } from "../state.ts";
import { openCommentForm } from "./comment.ts";
import { decide, redo, undo } from "./decisions.ts";
import { openDescription } from "./describing.ts";
import { type CommandName, worksOver } from "./keys.ts";
import { toggleMeasuring } from "./measuring.ts";
import { leaveMode, startDrawing, startMerging, startShifting } from "./modes.ts";
import { startLevels, startOutlining } from "./outlining.ts";
import { copyLink, openPlaces } from "./places.ts";
import { selectNeighbour } from "./queue.ts";
import { startSelecting } from "./selecting.ts";

/** Commands that decide on the current landslide, which is null where none is chosen. */
const DECISION_COMMANDS: Partial<Record<CommandName, (landslide: Landslide | null) => void>> = {
  accept: verdictCommand("accept"),
  reject: verdictCommand("reject"),
  unsure: verdictCommand("unsure"),
  "bad imagery": verdictCommand("bad imagery"),
  comment: (landslide) => landslide && openCommentForm(landslide),
  describe: (landslide) => landslide && openDescription(),
  merge: (landslide) => landslide && startMerging(landslide),
  split: (landslide) => startDrawing("split", landslide),
  edit: (landslide) => startDrawing("edit", landslide),
  draw: () => startDrawing("draw", null),
  many: startSelecting,
  outline: startOutlining,
  levels: (landslide) => landslide && void startLevels(landslide),
  undo,
  redo,
};

/** What a person who only judges, in a blind review, does not do: what it makes would tell others what was decided. */
const OPEN_REVIEW_ONLY: readonly CommandName[] = ["merge", "split", "edit", "draw", "outline", "levels", "describe"];

/** Whether this person may use a command on this server; other reasons against it are the page's state. */
export const isAllowed = (name: CommandName): boolean => !onlyJudges() || !OPEN_REVIEW_ONLY.includes(name);

function verdictCommand(verdict: Verdict): (landslide: Landslide | null) => void {
  return (landslide) => landslide && decide(verdict, landslide);
}

/** Commands that change what is seen. */
const VIEW_COMMANDS: Partial<Record<CommandName, () => void>> = {
  next: () => void selectNeighbour(1),
  previous: () => void selectNeighbour(-1),
  centre: () => state.current.value && centreOnOutline(state.current.value.geometry),
  all: () => {
    const boxes = state.scenes.value.map(({ bounds }) => bounds);
    if (boxes.length) showBounds(boundsOfAll(boxes));
  },
  "in view": () => {
    state.onlyInView.value = !state.onlyInView.value;
  },
  search: openPlaces,
  link: () => void copyLink(),
  flip: flipSwipe,
  swipe: () => setDisplay({ swipe: 0.5 }),
  "swipe left": () => moveSwipe(-1),
  "swipe right": () => moveSwipe(1),
  outlines: () => setDisplay({ outlines: !state.display.value.outlines }),
  probability: () => setDisplay({ probability: !state.display.value.probability }),
  uncertainty: () => setDisplay({ uncertainty: !state.display.value.uncertainty }),
  hillshade: () => setDisplay({ hillshade: !state.display.value.hillshade }),
  density: () => setDisplay({ density: !state.display.value.density }),
  "zoom in": () => void getMap().zoomIn({ duration: 150 }),
  "zoom out": () => void getMap().zoomOut({ duration: 150 }),
  basemap: () => setDisplay({ basemap: !state.display.value.basemap }),
  measure: toggleMeasuring,
  shift: startShifting,
  dashboard: () => {
    state.dashboardOpen.value = !state.dashboardOpen.value;
  },
  filters: () => {
    document.body.dataset.drawer = "queue";
    byId("filters").querySelector("select")?.focus();
  },
  theme: toggleTheme,
  keys: () => {
    state.settingsOpen.value = true;
  },
};

/**
 * Run a command. A command that decides ends the present mode first.
 *
 * Every key and button comes through here. So what an overlay hides cannot be decided on while it is open.
 */
export function runCommand(name: CommandName): void {
  if (!worksOver(name, openOverlay())) return;
  const decisionCommand = DECISION_COMMANDS[name];
  if (!decisionCommand) return VIEW_COMMANDS[name]?.();
  if (!isAllowed(name)) return showNotice("In a blind review only adjudicators change landslides: judge, or comment");
  if (state.mode.value !== "look") leaveMode();
  if (name === "undo" || name === "redo" || mayDecide()) decisionCommand(state.current.value);
  else showNotice(READ_ONLY, "bad");
}
