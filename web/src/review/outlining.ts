// Outline in one click: the server's nested outlines of the landslide at a place, or of the current landslide at other
// levels; wheel, keys and slider go from one to the next.
import type { MapMouseEvent } from "maplibre-gl";
import { byId } from "../lib/dom.ts";
import { formatArea, formatPercent } from "../lib/format.ts";
import { showNotice } from "../lib/notice.ts";
import { containsPlace } from "../lib/outline-edits.ts";
import { highlight } from "../map/landslides.ts";
import { getMap } from "../map/view.ts";
import { getOutlinesAt, getOutlinesOf } from "../server/api.ts";
import type { Landslide, NestedOutlines, OutlineSource, Scene } from "../server/types.ts";
import { type Proposal, state } from "../state.ts";

const WHEEL_STEP = 40; // px of the wheel's movement for one step: a notch has about 100, touch pads send many small ones

let lastPlace: [number, number] | null = null;
let latestRequest = 0;
let wheelDistance = 0;

/** Let the map show the outline that is chosen, and give clicks and wheel to it in its mode. */
export function connectOutlining(): void {
  const map = getMap();
  state.proposal.subscribe((proposal) => {
    highlight(map, "proposal", proposal?.outlines.outlines[proposal.chosen]?.geometry ?? null);
    map.scrollZoom[proposal ? "disable" : "enable"]();
  });
  state.mode.subscribe((mode) => {
    showCursor(mode === "outline" ? "crosshair" : "");
    byId("cross").hidden = mode !== "outline";
    if (mode !== "outline") endOutlining();
  });
  map.on("click", (event: MapMouseEvent) => {
    if (state.mode.value === "outline") void outlineAt([event.lngLat.lng, event.lngLat.lat]);
  });
  map.getCanvasContainer().addEventListener("wheel", turnWheel, { passive: false });
}

/** Wait for a click on a landslide. */
export function startOutlining(): void {
  if (!state.scenes.value.length) return showNotice("There is no scene to outline a landslide in", "bad");
  state.mode.value = "outline";
}

/** Redraw a landslide's outline at other levels of the probability. */
export async function startLevels(landslide: Landslide): Promise<void> {
  state.mode.value = "outline";
  await showOutlines(getOutlinesOf(landslide.id), () => landslide);
  if (!state.proposal.value && state.mode.value === "outline") state.mode.value = "look";
}

/** Outline what is at a place: the current landslide anew where the place lies in it, else a new one. */
export async function outlineAt(place: [number, number], source?: OutlineSource): Promise<void> {
  const scene = sceneAt(place);
  if (!scene) return showNotice("No scene is there: click on the images of one", "bad");
  if (scene.id !== state.scene.value?.id) state.scene.value = scene; // in whose images a new one is drawn
  const current = state.current.value;
  await showOutlines(getOutlinesAt(scene.id, place, source), () =>
    current && containsPlace(current.geometry, place) ? current : null,
  );
  lastPlace = place;
}

/** Outline the landslide at the middle of the map, where the cross is. */
export function outlineAtCentre(): void {
  const { lng, lat } = getMap().getCenter();
  void outlineAt([lng, lat]);
}

/** Ask for the outlines of the other source at the same place: of the images instead of the probability, or back. */
export function changeSource(): void {
  const { value } = state.proposal;
  if (!value || !lastPlace) return showNotice("Click on a landslide first");
  void outlineAt(lastPlace, value.outlines.source === "image" ? "probability" : "image");
}

/** Choose a larger outline, or with a negative step a smaller one. */
export function changeLevel(step: number): void {
  const { value } = state.proposal;
  if (value) chooseLevel(value.chosen + step);
}

/** Choose an outline by its position, as far as there are any. */
export function chooseLevel(position: number): void {
  const { value } = state.proposal;
  if (!value) return;
  const last = value.outlines.outlines.length - 1;
  state.proposal.value = { ...value, chosen: Math.min(Math.max(position, 0), last) };
}

/** What is chosen, in words: level and area. */
export function describeProposal({ outlines, chosen }: Proposal): string {
  const outline = outlines.outlines[chosen];
  if (!outline) return "";
  const source = outline.level === null ? "by the images" : `probability ${formatPercent(outline.level)}`;
  return `${formatArea(outline.area_m2)}, ${source}`;
}

async function showOutlines(answer: Promise<NestedOutlines>, landslideOf: () => Landslide | null): Promise<void> {
  const request = ++latestRequest;
  showCursor("progress");
  try {
    const outlines = await answer;
    if (request !== latestRequest || state.mode.value !== "outline") return; // left, or clicked elsewhere
    state.proposal.value = { outlines, chosen: outlines.start, landslide: landslideOf() };
  } catch (error) {
    if (request === latestRequest) showNotice(`No outline: ${(error as Error).message}`, "bad");
  } finally {
    if (request === latestRequest) showCursor("crosshair");
  }
}

function showCursor(cursor: "" | "crosshair" | "progress"): void {
  getMap().getCanvas().style.cursor = cursor;
}

function endOutlining(): void {
  latestRequest++;
  lastPlace = null;
  if (state.proposal.value) state.proposal.value = null;
}

/** The scene on top if it is there, else the first one whose box is. */
function sceneAt([longitude, latitude]: [number, number]): Scene | undefined {
  const isThere = ({ bounds: [west, south, east, north] }: Scene): boolean =>
    longitude >= west && longitude <= east && latitude >= south && latitude <= north;
  return [...(state.scene.value ? [state.scene.value] : []), ...state.scenes.value].find(isThere);
}

/** Turned away from the reviewer the wheel makes the outline larger. */
function turnWheel(event: WheelEvent): void {
  if (!state.proposal.value) return;
  event.preventDefault();
  const lineHeight = 40; // px, where the wheel counts in lines
  wheelDistance -= event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : lineHeight);
  const steps = Math.trunc(wheelDistance / WHEEL_STEP);
  wheelDistance -= steps * WHEEL_STEP;
  if (steps) changeLevel(Math.sign(steps));
}
