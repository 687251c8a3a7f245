// What each command does. Modes (drawing, merging, shifting) take the keys that are fixed.
import { sendImageShift as sendShift } from "../server/api.ts";
import { openCommentForm } from "./comment.ts";
import { decide, redo, undo } from "./decisions.ts";
import { byId } from "../lib/dom.ts";
import { OutlineEditor } from "../map/drawing.ts";
import { boundsOfAll, boundsOf } from "../lib/geometry.ts";
import { commandForKey, isTextField, keyName, type CommandName } from "./keys.ts";
import { startMergeMode, type MergeMode } from "./merging.ts";
import { showNotice } from "../lib/notice.ts";
import { selectNeighbour } from "./queue.ts";
import { showShiftedScene } from "../map/scenes.ts";
import { openSettings } from "../panels/settings.ts";
import { type Mode, mayDecide, setDisplay, state } from "../state.ts";
import { flipSwipe, moveSwipe } from "../map/swipe.ts";
import { toggleTheme } from "../lib/theme.ts";
import type { Action, Landslide } from "../server/types.ts";
import { getMap, panMap } from "../map/view.ts";

const MODE_HINTS: Record<Exclude<Mode, "look">, string> = {
  edit: "Drag corners, right click removes one · Tab next corner · Shift+arrows move it · Enter keeps, Esc leaves",
  draw: "Click corners, or Space at the cross · Backspace takes one back · Enter ends, Esc leaves",
  split: "Draw a line across the outline: click, or Space at the cross · Enter ends, Esc leaves",
  merge: "Tab or click: another neighbour · Enter merges, Esc leaves",
  shift: "Arrows move the images by 1 m, with Shift by 10 m · Backspace back to zero · Enter or Esc ends",
};
const ARROW_DIRECTIONS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const PAN_SHARE = 0.2; // of the map's size
const CORNER_STEP = 2; // px

let editor: OutlineEditor;
let mergeMode: MergeMode | null = null;

export function connectKeyboard(): void {
  editor = new OutlineEditor(getMap());
  state.mode.subscribe((mode) => {
    const hint = byId("hint");
    hint.hidden = mode === "look";
    hint.textContent = mode === "look" ? "" : MODE_HINTS[mode];
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const target = event.target as HTMLElement;
    if (isTextField(target)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (elementUsesKey(target, event.key)) return;
    if (handleModeKey(event) || panByArrowKey(event)) return event.preventDefault();
    const command =
      event.repeat && event.key !== "+" && event.key !== "-" ? null : commandForKey(event, state.keyBindings.value);
    if (!command) return;
    event.preventDefault();
    runCommand(command);
  });
}

/** Buttons, sliders and lists keep the keys that work them. */
function elementUsesKey(target: HTMLElement, key: string): boolean {
  const list = target.getAttribute("role") === "listbox";
  if (list) return ["ArrowUp", "ArrowDown", "Home", "End", "Enter"].includes(key);
  if (target.tagName === "INPUT") return key.startsWith("Arrow") || key === " " || key === "Home" || key === "End";
  const pressed = ["BUTTON", "A", "SUMMARY"].includes(target.tagName);
  return (pressed && (key === " " || key === "Enter")) || (state.mode.value === "look" && key === "Tab");
}

function panByArrowKey(event: KeyboardEvent): boolean {
  const arrow = ARROW_DIRECTIONS[event.key];
  if (!arrow || keyName(event) === null || state.dashboardOpen.value) return false;
  panMap(arrow[0] * PAN_SHARE, arrow[1] * PAN_SHARE);
  return true;
}

/** The keys of the present mode; whether it was one. */
function handleModeKey(event: KeyboardEvent): boolean {
  const mode = state.mode.value;
  if (mode === "look") {
    if (event.key !== "Escape" || !state.dashboardOpen.value) return false;
    state.dashboardOpen.value = false;
    return true;
  }
  if (event.key === "Escape") {
    leaveMode();
    return true;
  }
  if (mode === "merge") return mergeMode?.handleKey(event) ?? false;
  if (mode === "shift") return handleShiftKey(event);
  if (event.key === "Enter") {
    if (!editor.finishShape()) showNotice("Nothing is drawn yet", "bad");
    return true;
  }
  if (event.key === " ") editor.clickAtCentre();
  else if (event.key === "Backspace") editor.undoCorner();
  else if (event.key === "Tab" && mode === "edit") editor.chooseCorner(event.shiftKey ? -1 : 1);
  else if (event.shiftKey && mode === "edit" && ARROW_DIRECTIONS[event.key]) {
    const [right, down] = ARROW_DIRECTIONS[event.key] ?? [0, 0];
    editor.moveCorner(right * CORNER_STEP, down * CORNER_STEP);
  } else return isDecisionKey(event);
  return true;
}

/** While something is drawn, keys that decide are dead: they would leave the drawing behind. */
function isDecisionKey(event: KeyboardEvent): boolean {
  const command = commandForKey(event, state.keyBindings.value);
  return command !== null && (command in DECISION_COMMANDS || command === "next" || command === "previous");
}

export function leaveMode(): void {
  editor.stop();
  mergeMode?.end();
  mergeMode = null;
  state.mode.value = "look";
}

/** End the present mode as Enter does. */
export const finishMode = (): void => {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
};

const DECISION_COMMANDS: Partial<Record<CommandName, (of: Landslide | null) => void>> = {
  accept: verdictCommand("accept"),
  reject: verdictCommand("reject"),
  unsure: verdictCommand("unsure"),
  "bad imagery": verdictCommand("bad imagery"),
  comment: (of) => of && openCommentForm(of),
  merge: (of) => {
    if (!of) return;
    state.mode.value = "merge";
    startMergeMode(of, (others) => {
      leaveMode();
      if (others.length) decide("merge", of, { others });
    })
      .then((begun) => {
        if (state.mode.value === "merge") mergeMode = begun;
        else begun.end();
      })
      .catch((error: Error) => {
        leaveMode();
        showNotice(`The neighbours cannot be read: ${error.message}`, "bad");
      });
  },
  split: drawingCommand("split"),
  edit: drawingCommand("edit"),
  draw: drawingCommand("draw"),
  undo,
  redo,
};

function verdictCommand(
  action: Action & ("accept" | "reject" | "unsure" | "bad imagery"),
): (of: Landslide | null) => void {
  return (of) => of && decide(action, of);
}

function drawingCommand(tool: "split" | "edit" | "draw"): (of: Landslide | null) => void {
  return (of) => {
    if (tool === "draw" && !state.scene.value)
      return showNotice("Go to a scene first: what is drawn is seen in its images", "bad");
    if (tool !== "draw" && !of) return;
    state.mode.value = tool;
    editor.begin(tool, tool === "edit" && of ? of.geometry : null, (shape) => {
      state.mode.value = "look";
      decide(tool, tool === "draw" ? null : of, { geometry: shape });
    });
  };
}

const VIEW_COMMANDS: Partial<Record<CommandName, () => void>> = {
  next: () => void selectNeighbour(1),
  previous: () => void selectNeighbour(-1),
  centre: () => {
    const of = state.current.value;
    if (of) getMap().fitBounds(boundsOf(of), { padding: 120, maxZoom: 16.5, duration: 300 });
  },
  all: () => {
    const all = state.scenes.value.map(({ bounds }) => bounds);
    if (all.length) getMap().fitBounds(boundsOfAll(all), { padding: 40, duration: 300 });
  },
  "in view": () => {
    state.onlyInView.value = !state.onlyInView.value;
  },
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
  shift: () => {
    if (!state.scene.value) return showNotice("No scene is in view", "bad");
    if (!mayDecide()) return showNotice("Images are not shifted here: this is read-only", "bad");
    state.mode.value = "shift";
  },
  dashboard: () => {
    state.dashboardOpen.value = !state.dashboardOpen.value;
  },
  filters: () => {
    document.body.dataset.drawer = "queue";
    byId("filters").querySelector("select")?.focus();
  },
  theme: toggleTheme,
  keys: openSettings,
};

/** Do what a command says. */
export function runCommand(name: CommandName): void {
  const decision = DECISION_COMMANDS[name];
  if (!decision) return VIEW_COMMANDS[name]?.();
  if (state.mode.value !== "look") leaveMode();
  if (name === "undo" || name === "redo" || mayDecide()) decision(state.current.value);
  else showNotice("Decisions are not taken here: this is read-only", "bad");
}

/** Move the images of the scene by an arrow key; kept on the server, and shown when it has it. */
function handleShiftKey(event: KeyboardEvent): boolean {
  const scene = state.scene.value;
  const arrow = ARROW_DIRECTIONS[event.key];
  if (event.key === "Enter" || !scene) {
    leaveMode();
    return true;
  }
  if (!arrow && event.key !== "Backspace") return isDecisionKey(event);
  const metres = event.shiftKey ? 10 : 1;
  const east = arrow ? (scene.shift_east_m ?? 0) + arrow[0] * metres : 0;
  const north = arrow ? (scene.shift_north_m ?? 0) - arrow[1] * metres : 0;
  const shifted = { ...scene, shift_east_m: east, shift_north_m: north };
  state.scene.value = shifted;
  clearTimeout(shiftTimer);
  shiftTimer = setTimeout(() => {
    sendShift(scene.id, east, north, state.reviewer.value)
      .then(() => showShiftedScene(getMap(), shifted))
      .catch((error: Error) => {
        state.scene.value = state.scenes.value.find(({ id }) => id === scene.id) ?? null;
        showNotice(`The shift is not kept: ${error.message}`, "bad");
      });
  }, 250);
  return true;
}

let shiftTimer: ReturnType<typeof setTimeout> | undefined;
