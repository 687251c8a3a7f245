// Many at once: landslides of the queue selected by a box or a lasso on the map, or by the filters, and decided on
// together by one decision, which one undo takes back.
import type { Position } from "geojson";
import { formatArea, formatCounted } from "../lib/format.ts";
import { showNotice } from "../lib/notice.ts";
import { highlight } from "../map/landslides.ts";
import { getMap } from "../map/view.ts";
import { getSelection } from "../server/api.ts";
import type { Verdict } from "../server/types.ts";
import { state } from "../state.ts";
import { decideOnMany } from "./decisions.ts";
import { keyBindings, keyName } from "./keys.ts";
import { filterParameters } from "./queue.ts";

const MAX_CORNERS = 150; // of a lasso in a request
const VERDICTS: readonly Verdict[] = ["accept", "reject", "unsure", "bad imagery"];

let path: Position[] = [];
let boxCorner: Position | null = null;
let latestRequest = 0;

/** Give the pointer to box and lasso while their mode lasts. */
export function connectSelecting(): void {
  const container = getMap().getCanvasContainer();
  container.addEventListener("pointerdown", beginPath);
  container.addEventListener("pointermove", extendPath);
  container.addEventListener("pointerup", endPath);
  state.mode.subscribe((mode) => {
    getMap().dragPan[mode === "select" ? "disable" : "enable"]();
    if (mode !== "select") clearSelection();
  });
}

/** Let the reviewer select landslides of the queue. */
export function startSelecting(): void {
  state.mode.value = "select";
}

function clearSelection(): void {
  latestRequest++;
  path = [];
  boxCorner = null;
  state.selection.value = null;
  highlight(getMap(), "neighbour", null);
}

/** Select with a box or a lasso from now on. */
export function changeSelectTool(): void {
  state.selectTool.value = state.selectTool.value === "box" ? "lasso" : "box";
}

function beginPath(event: PointerEvent): void {
  if (state.mode.value !== "select" || event.button !== 0) return;
  path = [placeOf(event)];
}

function extendPath(event: PointerEvent): void {
  if (state.mode.value !== "select" || !path.length) return;
  path.push(placeOf(event));
  showArea(pathArea());
}

function endPath(): void {
  const area = pathArea();
  path = [];
  if (state.mode.value === "select" && area.length > 3) void selectWithin(area);
}

/** Set a corner of a box at the middle of the map; the second one ends it. */
export function setCornerAtCentre(): void {
  const { lng, lat } = getMap().getCenter();
  if (boxCorner) void selectWithin(boxOf(boxCorner, [lng, lat]));
  else showNotice("One corner is set: move the map, and press Space at the opposite one");
  boxCorner = boxCorner ? null : [lng, lat];
}

/** Select what is in view. */
export function selectInView(): void {
  const [southWest, northEast] = getMap().getBounds().toArray();
  void selectWithin(boxOf(southWest, northEast));
}

/** Select all that the filters leave. */
export function selectFiltered(): void {
  void selectWithin(null);
}

/** Ask the server what an area of the queue holds; null is everywhere. */
async function selectWithin(area: Position[] | null): Promise<void> {
  const request = ++latestRequest;
  showArea(area ?? []);
  const { review_state: _ofTheMap, ...filters } = filterParameters();
  const lasso = area ? thinned(area).map(([x = 0, y = 0]) => `${x.toFixed(6)},${y.toFixed(6)}`) : [];
  try {
    const selection = await getSelection({ ...filters, state: state.queueName.value, lasso: lasso.join(",") });
    if (request !== latestRequest || state.mode.value !== "select") return;
    state.selection.value = selection;
    if (!Object.keys(selection.landslides).length) showNotice(`Nothing that is ${state.queueName.value} lies there`);
  } catch (error) {
    if (request === latestRequest) showNotice(`Not selected: ${(error as Error).message}`, "bad");
  }
}

/** Decide on everything that is selected. */
export function decideOnSelection(verdict: Verdict): void {
  const { value } = state.selection;
  if (!value || !Object.keys(value.landslides).length) return showNotice("Select landslides first");
  const { landslides } = value;
  state.mode.value = "look";
  if (decideOnMany(verdict, landslides))
    showNotice(`${verdict}: ${formatCounted(Object.keys(landslides).length, "landslide")}. Undo takes all back`);
}

/** Let the mode act on a key; returns whether it did. */
export function handleSelectKey(event: KeyboardEvent): boolean {
  const key = keyName(event);
  const verdict = VERDICTS.find((name) => keyBindings.value[name] === key);
  if (event.key === " ") setCornerAtCentre();
  else if (event.key === "Tab") changeSelectTool();
  else if (event.key === "Enter") selectInView();
  else if (key === "f") selectFiltered();
  else if (verdict) decideOnSelection(verdict);
  else return false;
  return true;
}

/** How much is selected, for the hint. */
export function selectionText(): string {
  const { value } = state.selection;
  if (!value) return "";
  return `${formatCounted(Object.keys(value.landslides).length, "landslide")}, ${formatArea(value.area_m2)} selected`;
}

/** The area of the pointer's path: a closed ring. */
function pathArea(): Position[] {
  const [first] = path;
  const last = path.at(-1);
  if (!first || !last || path.length < 2) return [];
  return state.selectTool.value === "box" ? boxOf(first, last) : [...path, first];
}

const boxOf = ([west = 0, south = 0]: Position, [east = 0, north = 0]: Position): Position[] => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];

function showArea(ring: Position[]): void {
  highlight(getMap(), "neighbour", ring.length > 3 ? { type: "Polygon", coordinates: [ring] } : null);
}

/** A ring without its last corner, which is its first, and with as many corners as a request may have. */
function thinned(ring: Position[]): Position[] {
  const step = Math.ceil(ring.length / MAX_CORNERS);
  return ring.slice(0, -1).filter((_, index) => index % step === 0);
}

function placeOf(event: PointerEvent): Position {
  const { left, top } = getMap().getCanvasContainer().getBoundingClientRect();
  return getMap()
    .unproject([event.clientX - left, event.clientY - top])
    .toArray();
}
