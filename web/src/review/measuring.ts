// Measuring on the map: the length of a line, and the area that it encloses. Nothing of it is stored.
import { effect } from "@preact/signals";
import type { GeoJSONSource, MapMouseEvent } from "maplibre-gl";
import { byId } from "../lib/dom.ts";
import { formatArea, formatLength } from "../lib/format.ts";
import { enclosedArea, lineLength } from "../lib/measure.ts";
import { addMeasureLayers, MEASURE_SOURCE, measureFeatures } from "../map/measure-layers.ts";
import { getMap } from "../map/view.ts";
import { state } from "../state.ts";

/** Add what shows the line, and give the pointer to it in its mode. */
export function connectMeasuring(): void {
  const map = getMap();
  addMeasureLayers(map);
  effect(() => {
    map.getSource<GeoJSONSource>(MEASURE_SOURCE)?.setData(measureFeatures(state.measured.value));
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
  return `${formatLength(lineLength(line))} long${area} · Backspace takes a point back · Esc leaves`;
}
