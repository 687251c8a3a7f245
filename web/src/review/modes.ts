// The modes, in which keys and pointer draw, choose a neighbour to merge with, or shift the images.
//
// Each mode has a hint on the map, takes keys first, and ends by Enter, by Escape or by a command that decides.
import { effect } from "@preact/signals";
import { byId } from "../lib/dom.ts";
import { boundsOf, type Outline } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { type DrawingTool, type DrawnShape, OutlineEditor } from "../map/drawing.ts";
import { focusMap, getMap, showBounds } from "../map/view.ts";
import type { Decision, Landslide } from "../server/types.ts";
import { mayDecide, type Mode, READ_ONLY, type ShapeDraft, state } from "../state.ts";
import { decide } from "./decisions.ts";
import { forgetRefused, keepShape, shapeDraft } from "./drafts.ts";
import { EDIT_TOOL_HINTS, EDIT_TOOLS, type EditToolDefinition, undoStep } from "./edit-tools.ts";
import { COMMANDS, commandForKey, keyBindings, keyName } from "./keys.ts";
import { connectMeasuring, measureAtCentre, measureHint, removeMeasuredPoint } from "./measuring.ts";
import { NeighbourChoice } from "./merging.ts";
import { changeLevel, changeSource, connectOutlining, outlineAtCentre } from "./outlining.ts";
import { selectById } from "./queue.ts";
import { connectSelecting, handleSelectKey } from "./selecting.ts";
import { beginShiftSeries, chooseTarget, hasShifted, moveImages, resetImages, shiftHint } from "./shifting.ts";

const HINTS: Record<Exclude<Mode, "look" | "edit" | "shift" | "measure">, string> = {
  draw: "Click corners, or Space at the cross · Backspace takes one back · Enter ends, Esc leaves",
  split: "Draw a line across the outline: click, or Space at the cross · Enter ends, Esc leaves",
  merge: "Tab or click: another neighbour · Enter merges, Esc leaves",
  outline: "Click a landslide, or Space at the cross · Esc leaves",
  select: "Drag a box or lasso, or Space at two corners · Enter: all in view · F: all filtered · Esc leaves",
};
const CHOICE_HINT =
  "Wheel or + and −: larger, smaller · Tab: by image or probability · E: edit corners · Enter keeps, Esc leaves";
const CORNER_STEP = 2; // px
const DRAFT_DELAY = 250; // ms without a change before what is drawn is kept

/** With this key the corners of an outline of one click are edited. */
export const EDIT_CORNERS_KEY = "e";

/** Right and down for each arrow key. */
export const ARROW_DIRECTIONS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

let editor: OutlineEditor;
let neighbourChoice: NeighbourChoice | null = null;
let draftTimer: ReturnType<typeof setTimeout> | undefined;

/** Show the hint of each mode; called once the map is there. */
export function connectModes(): void {
  editor = new OutlineEditor(getMap());
  effect(() => {
    const hint = byId("hint");
    const mode = state.mode.value;
    hint.hidden = mode === "look";
    hint.textContent = mode === "look" ? "" : hintOf(mode);
  });
  connectOutlining();
  connectSelecting();
  connectMeasuring();
  state.mode.subscribe((mode) => {
    if (mode !== "look") focusMap(); // from the button that began the mode: Enter is to end it
  });
}

function hintOf(mode: Exclude<Mode, "look">): string {
  if (mode === "shift") return shiftHint();
  if (mode === "measure") return measureHint();
  if (mode === "edit") return EDIT_TOOL_HINTS[state.editTool.value];
  return mode === "outline" && state.proposal.value ? CHOICE_HINT : HINTS[mode];
}

/** Draw a new outline, edit the landslide's or split it; the decision is made when the shape is finished. */
export function startDrawing(tool: DrawingTool, landslide: Landslide | null): void {
  if (tool === "draw" && !state.scene.value)
    return showNotice("Move the map to a scene first: a landslide is drawn on a scene's images", "bad");
  if (tool !== "draw" && !landslide) return;
  draw(tool, tool, landslide, tool === "edit" && landslide ? landslide.geometry : null);
}

/**
 * Let a shape be drawn, or its corners moved; it is kept in the browser until the decision is made.
 *
 * @param tool - What draws it.
 * @param action - The decision that it becomes.
 */
function draw(tool: DrawingTool, action: DrawingTool, landslide: Landslide | null, shape: DrawnShape | null): void {
  state.mode.value = tool;
  const decidedOn = action === "draw" ? null : landslide;
  const keepNow = (): void => {
    const present = editor.presentShape();
    if (!present || state.mode.value !== tool) return;
    const sceneId = state.scene.value?.id ?? null;
    keepShape({ tool: action, landslideId: decidedOn?.id ?? null, sceneId, shape: present });
  };
  const keepLater = (): void => {
    clearTimeout(draftTimer);
    draftTimer = setTimeout(keepNow, DRAFT_DELAY);
  };
  const finish = (geometry: DrawnShape): void => {
    state.mode.value = "look";
    forgetShape();
    decide(action, decidedOn, { geometry });
  };
  editor.begin(tool, shape, finish, keepLater);
}

function forgetShape(): void {
  clearTimeout(draftTimer);
  keepShape(null);
}

/** Go on with the shape that was being drawn when the page was left, if there is one. */
export async function restoreDrawing(): Promise<void> {
  const draft = shapeDraft();
  if (!draft || !mayDecide()) return;
  await goOnDrawing(draft);
  if (state.mode.value !== "look") showNotice("What you were drawing is back: Enter keeps it, Esc leaves it");
}

/** Go on with a shape that the server has refused. */
export async function correctRefused(decision: Decision): Promise<void> {
  const { action, geometry, landslides = {}, scene = null } = decision;
  if (action !== "edit" && action !== "draw" && action !== "split") return;
  if (state.mode.value !== "look") leaveMode();
  forgetRefused(decision);
  const landslideId = Object.keys(landslides)[0] ?? null;
  await goOnDrawing({ tool: action, landslideId, sceneId: scene, shape: geometry as DrawnShape });
}

async function goOnDrawing({ tool, landslideId, sceneId, shape }: ShapeDraft): Promise<void> {
  try {
    if (landslideId) await selectById(landslideId);
    else if (shape.type !== "LineString") showBounds(boundsOf(shape));
    const scene = state.scenes.value.find(({ id }) => id === sceneId);
    if (scene) state.scene.value = scene;
    draw(shape.type === "LineString" ? "split" : "edit", tool, landslideId ? state.current.value : null, shape);
    keepShape({ tool, landslideId, sceneId, shape });
  } catch (error) {
    showNotice(`What was drawn cannot be shown: ${(error as Error).message}`, "bad");
  }
}

/** Keep the outline that is chosen: as an edit of its landslide, or as a new one. */
function keepProposal(): void {
  const proposal = state.proposal.value;
  const geometry = chosenOutline();
  if (!proposal || !geometry) return showNotice("Click on a landslide first");
  leaveMode();
  decide(proposal.landslide ? "edit" : "draw", proposal.landslide, { geometry });
}

/** Go on with the outline that is chosen by editing its corners. */
export function editProposal(): void {
  const proposal = state.proposal.value;
  const outline = chosenOutline();
  if (!proposal || !outline) return showNotice("Click on a landslide first");
  draw("edit", proposal.landslide ? "edit" : "draw", proposal.landslide, outline);
}

const chosenOutline = (): Outline | undefined => {
  const { value } = state.proposal;
  return value?.outlines.outlines[value.chosen]?.geometry;
};

/** Take back the corner of a drawing, or the point of a measured line, that was set last. */
export const undoCorner = (): void => (state.mode.value === "measure" ? removeMeasuredPoint() : editor.undoCorner());

/** Use a tool of the edit, as its key does. */
export function useEditTool(tool: EditToolDefinition): void {
  tool.run(editor);
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
  forgetShape();
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
    if (state.editTool.value === "corners") leaveMode();
    else editor.useTool("corners");
    return true;
  }
  if (mode === "outline") return handleOutlineKey(event);
  if (mode === "select") return handleSelectKey(event) || isDecisionKey(event);
  if (mode === "measure") return handleMeasureKey(event);
  if (mode === "merge") return handleMergeKey(event);
  if (mode === "shift") return handleShiftKey(event);
  return handleDrawingKey(event, mode);
}

function handleOutlineKey(event: KeyboardEvent): boolean {
  const steps: Record<string, number> = { "+": 1, "=": 1, "-": -1 };
  const step = steps[event.key];
  if (event.key === "Enter") keepProposal();
  else if (event.key === " ") outlineAtCentre();
  else if (event.key === "Tab") changeSource();
  else if (keyName(event) === EDIT_CORNERS_KEY) editProposal();
  else if (step && state.proposal.value) changeLevel(step);
  else return isDecisionKey(event);
  return true;
}

/** Let the tools of an edit act on their keys; returns whether one did. */
function handleEditToolKey(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const isUndo = event.key === "Backspace" || commandForKey(event, keyBindings.value) === "undo";
  const tool = EDIT_TOOLS.find(({ key }) => key === keyName(event));
  if (isUndo) undoStep(editor);
  else if (event.key === "Delete") editor.removeChosenCorner();
  else if (tool) tool.run(editor);
  else return false;
  return true;
}

function handleDrawingKey(event: KeyboardEvent, tool: DrawingTool): boolean {
  const drawsLine = state.editTool.value === "reshape" && event.key === "Backspace";
  if (tool === "edit" && !drawsLine && handleEditToolKey(event)) return true;
  const arrow = ARROW_DIRECTIONS[event.key];
  if (event.key === "Enter") {
    if (!editor.finishShape()) showNotice("Nothing is drawn yet", "bad");
  } else if (event.key === " ") editor.clickAtCentre();
  else if (event.key === "Backspace") editor.undoCorner();
  else if (event.key === "Tab" && editor.movesCorners) editor.chooseCorner(event.shiftKey ? -1 : 1);
  else if (event.shiftKey && editor.movesCorners && arrow)
    editor.moveCorner(arrow[0] * CORNER_STEP, arrow[1] * CORNER_STEP);
  else if (commandForKey(event, keyBindings.value) === "undo") editor.undoCorner();
  else return isDecisionKey(event);
  return true;
}

function handleMeasureKey(event: KeyboardEvent): boolean {
  if (event.key === "Enter") leaveMode();
  else if (event.key === " ") measureAtCentre();
  else if (event.key === "Backspace" || commandForKey(event, keyBindings.value) === "undo") removeMeasuredPoint();
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
