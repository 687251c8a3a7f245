// Measuring on the map: the length of a line, its slope where the server has elevations, and the area that it encloses.
// Nothing of it is stored.
import { effect } from "@preact/signals";
import type { GeoJSONSource, MapMouseEvent } from "maplibre-gl";
import { byId } from "../lib/dom.ts";
import { formatArea, formatLength } from "../lib/format.ts";
import { enclosedArea, lineLength, meanSlope } from "../lib/measure.ts";
import { addMeasureLayers, MEASURE_SOURCE, measureFeatures } from "../map/measure-layers.ts";
import { getMap } from "../map/view.ts";
import { getElevations } from "../server/api.ts";
import { state } from "../state.ts";

const HEIGHTS_DELAY = 150; // ms without a further point before its height is asked for

/** Add what shows the line, and give the pointer to it in its mode. */
export function connectMeasuring(): void {
  const map = getMap();
  addMeasureLayers(map);
  effect(() => {
    map.getSource<GeoJSONSource>(MEASURE_SOURCE)?.setData(measureFeatures(state.measured.value));
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  state.measured.subscribe((line) => {
    state.measuredHeights.value = null;
    clearTimeout(timer);
    if (line.length > 1 && hasElevations()) timer = setTimeout(() => void readHeights(line), HEIGHTS_DELAY);
  });
  state.mode.subscribe((mode) => {
    if (mode === "measure") {
      byId("cross").hidden = false;
      map.getCanvas().style.cursor = "crosshair";
    } else state.measured.value = [];
  });
  map.on("click", (event: MapMouseEvent) => {
    if (state.mode.value === "measure") addPoint(event.lngLat);
  });
}

/** Whether the server has an elevation model: what it shows the hillshade of. */
const hasElevations = (): boolean => state.scenes.value.some(({ layers }) => layers.includes("hillshade"));

/** Read the heights along a line; where they cannot be read, the length is shown without a slope. */
async function readHeights(line: readonly [number, number][]): Promise<void> {
  const { elevations } = await getElevations(line).catch(() => ({ elevations: null }));
  if (state.measured.value === line) state.measuredHeights.value = elevations;
}

/** Begin a line, or end measuring. */
export function toggleMeasuring(): void {
  if (state.mode.value === "measure") state.mode.value = "look";
  else if (state.mode.value === "look") state.mode.value = "measure";
}

function addPoint({ lng, lat }: { lng: number; lat: number }): void {
  state.measured.value = [...state.measured.value, [lng, lat]];
}

/** Set a point at the middle of the map, where the cross is. */
export const measureAtCentre = (): void => addPoint(getMap().getCenter());

/** Take back the point that was set last. */
export function removeMeasuredPoint(): void {
  state.measured.value = state.measured.value.slice(0, -1);
}

/** What the line measures so far, and the keys. */
export function measureHint(): string {
  const { value: line } = state.measured;
  if (line.length < 2) return "Click points, or Space at the cross · Backspace takes one back · Esc leaves";
  const area = line.length > 2 ? ` · encloses ${formatArea(enclosedArea(line))}` : "";
  const length = lineLength(line);
  return `${formatLength(length)} long${slopeText(length)}${area} · Backspace takes a point back · Esc leaves`;
}

/** By how much the line falls or rises from its beginning to its end; empty where one of the heights is unknown. */
function slopeText(length: number): string {
  const heights = state.measuredHeights.value ?? [];
  const [first, last] = [heights[0] ?? null, heights.at(-1) ?? null];
  if (first === null || last === null) return "";
  const drop = first - last;
  const slope = `slope ${meanSlope(drop, length).toFixed(0)}°`;
  return ` · ${drop < 0 ? "rises" : "falls"} ${formatLength(Math.abs(drop))}, ${slope}`;
}
