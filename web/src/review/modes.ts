// The modes, in which keys and pointer draw, choose a neighbour to merge with, or shift the images.
//
// Each mode has a hint on the map, takes keys first, and ends by Enter, by Escape or by a command that decides.
import { effect } from "@preact/signals";
import { byId } from "../lib/dom.ts";
import { showNotice } from "../lib/notice.ts";
import { type DrawingTool, OutlineEditor } from "../map/drawing.ts";
import { getMap } from "../map/view.ts";
import type { Landslide } from "../server/types.ts";
import { mayDecide, type Mode, READ_ONLY, state } from "../state.ts";
import { decide } from "./decisions.ts";
import { COMMANDS, commandForKey, keyBindings } from "./keys.ts";
import { NeighbourChoice } from "./merging.ts";
import { beginShiftSeries, chooseTarget, hasShifted, moveImages, resetImages, shiftHint } from "./shifting.ts";

const HINTS: Record<Exclude<Mode, "look" | "shift">, string> = {
  edit: "Drag corners, right click removes one · Tab next corner · Shift+arrows move it · Enter keeps, Esc leaves",
  draw: "Click corners, or Space at the cross · Backspace takes one back · Enter ends, Esc leaves",
  split: "Draw a line across the outline: click, or Space at the cross · Enter ends, Esc leaves",
  merge: "Tab or click: another neighbour · Enter merges, Esc leaves",
};
const CORNER_STEP = 2; // px

/** Right and down for each arrow key. */
export const ARROW_DIRECTIONS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

let editor: OutlineEditor;
let neighbourChoice: NeighbourChoice | null = null;

/** Show the hint of each mode; called once the map is there. */
export function connectModes(): void {
  editor = new OutlineEditor(getMap());
  effect(() => {
    const hint = byId("hint");
    const mode = state.mode.value;
    hint.hidden = mode === "look";
    hint.textContent = mode === "look" ? "" : mode === "shift" ? shiftHint() : HINTS[mode];
  });
}

/** Draw a new outline, edit the landslide's or split it; the decision is made when the shape is finished. */
export function startDrawing(tool: DrawingTool, landslide: Landslide | null): void {
  if (tool === "draw" && !state.scene.value)
    return showNotice("Move the map to a scene first: a landslide is drawn on a scene's images", "bad");
  if (tool !== "draw" && !landslide) return;
  state.mode.value = tool;
  const outline = tool === "edit" && landslide ? landslide.geometry : null;
  editor.begin(tool, outline, (shape) => {
    state.mode.value = "look";
    decide(tool, tool === "draw" ? null : landslide, { geometry: shape });
  });
}

/** Let the reviewer choose a neighbour of a landslide, and merge the two. */
export function startMerging(landslide: Landslide): void {
  state.mode.value = "merge";
  NeighbourChoice.load(landslide)
    .then((choice) => {
      if (state.mode.value === "merge") neighbourChoice = choice;
      else choice.end(); // the mode was left before the server answered
    })
    .catch((error: Error) => {
      leaveMode();
      showNotice(`The neighbours cannot be read: ${error.message}`, "bad");
    });
}

/** Let the reviewer shift the images of the scene in view. */
export function startShifting(): void {
  if (!state.scene.value) return showNotice("No scene is in view", "bad");
  if (!mayDecide()) return showNotice(READ_ONLY, "bad");
  beginShiftSeries();
  state.mode.value = "shift";
}

/** End the mode as Escape does: nothing is decided. A shift that was shown is kept. */
export function leaveMode(): void {
  editor.stop();
  neighbourChoice?.end();
  neighbourChoice = null;
  state.mode.value = "look";
}

/** End the mode as Enter does: what was drawn or chosen is decided. */
export function finishMode(): void {
  handleModeKey(new KeyboardEvent("keydown", { key: "Enter" }));
}

/** Let the present mode act on a key; returns whether it did. */
export function handleModeKey(event: KeyboardEvent): boolean {
  const mode = state.mode.value;
  if (mode === "look") return false;
  if (event.key === "Escape") {
    leaveMode();
    return true;
  }
  if (mode === "merge") return handleMergeKey(event);
  if (mode === "shift") return handleShiftKey(event);
  return handleDrawingKey(event, mode);
}

function handleDrawingKey(event: KeyboardEvent, tool: DrawingTool): boolean {
  const arrow = ARROW_DIRECTIONS[event.key];
  if (event.key === "Enter") {
    if (!editor.finishShape()) showNotice("Nothing is drawn yet", "bad");
  } else if (event.key === " ") editor.clickAtCentre();
  else if (event.key === "Backspace") editor.undoCorner();
  else if (event.key === "Tab" && tool === "edit") editor.chooseCorner(event.shiftKey ? -1 : 1);
  else if (event.shiftKey && tool === "edit" && arrow)
    editor.moveCorner(arrow[0] * CORNER_STEP, arrow[1] * CORNER_STEP);
  else return isDecisionKey(event);
  return true;
}

function handleMergeKey(event: KeyboardEvent): boolean {
  const choice = neighbourChoice;
  if (!choice) return false;
  if (event.key === "Tab") choice.move(event.shiftKey ? -1 : 1);
  else if (event.key === "Enter") {
    leaveMode();
    if (choice.neighbour) decide("merge", choice.landslide, { others: [choice.neighbour] });
  } else return false;
  return true;
}

function handleShiftKey(event: KeyboardEvent): boolean {
  const arrow = ARROW_DIRECTIONS[event.key];
  if (event.key === "Enter" || !state.scene.value) leaveMode();
  else if (arrow) moveImages(arrow[0], arrow[1], event.shiftKey);
  else if (event.key === "Backspace") resetImages();
  else if (event.key === "Tab") chooseTarget(event.shiftKey ? -1 : 1);
  else {
    const takesBackShift = commandForKey(event, keyBindings.value) === "undo" && hasShifted();
    return isDecisionKey(event) && !takesBackShift;
  }
  return true;
}

/** Whether a key would decide or go on. A drawing ignores such keys: they would leave it behind unfinished. */
function isDecisionKey(event: KeyboardEvent): boolean {
  const name = commandForKey(event, keyBindings.value);
  const decides = COMMANDS.some((command) => command.name === name && command.group === "Decide");
  return decides || name === "next" || name === "previous";
}
