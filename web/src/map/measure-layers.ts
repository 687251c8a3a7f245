// The line that is measured, on the map: white on black as highlighted outlines, with its points.
import type { Feature, FeatureCollection } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import { EMPTY_COLLECTION } from "./landslide-layers.ts";

export const MEASURE_SOURCE = "measure";

export function addMeasureLayers(map: MapLibre): void {
  map.addSource(MEASURE_SOURCE, { type: "geojson", data: EMPTY_COLLECTION });
  const line = { type: "line", source: MEASURE_SOURCE } as const;
  map.addLayer({ ...line, id: "measure-casing", paint: { "line-color": "#000", "line-width": 5 } });
  map.addLayer({ ...line, id: "measure", paint: { "line-color": "#fff", "line-width": 2 } });
  map.addLayer({
    id: "measure-points",
    type: "circle",
    source: MEASURE_SOURCE,
    filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-radius": 4, "circle-color": "#fff", "circle-stroke-color": "#000", "circle-stroke-width": 2 },
  });
}

/** The points of a line, and the line itself; its closing side where it encloses an area. */
export function measureFeatures(line: readonly [number, number][]): FeatureCollection {
  const [first] = line;
  const closed = first && line.length > 2 ? [...line, first] : [...line];
  const features: Feature[] = line.map((coordinates) => ({
    type: "Feature",
    properties: {},
    geometry: { type: "Point", coordinates },
  }));
  if (closed.length > 1)
    features.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: closed } });
  return { type: "FeatureCollection", features };
}
