// Landslides on the map: outlines where they can be seen, points that count them where they cannot.
import type { ExpressionSpecification, Map as MapLibre, MapGeoJSONFeature, VectorTileSource } from "maplibre-gl";
import { address, asking } from "../server/api.ts";
import { by } from "../lib/dom.ts";
import { area, count } from "../lib/format.ts";
import { say } from "../lib/notice.ts";
import { COLOURS, colourOf, KIND, type Kind } from "./palette.ts";
import { goTo } from "../review/queue.ts";
import { state } from "../state.ts";
import type { Outline } from "../server/types.ts";

const SOURCE = "landslides";
const DENSITY = "density";
export const FIRST_LANDSLIDES = DENSITY;
const POINT_LAYERS = ["points", "ones"];
const LINE_LAYERS = ["casing", "outlines"];
const FINEST = 17; // zoom; beyond it tiles are magnified
const NOTHING = { type: "FeatureCollection" as const, features: [] };

/** From nothing to many by viridis, which the colour-blind read as well. */
const HEAT: ExpressionSpecification = [
  "interpolate",
  ["linear"],
  ["heatmap-density"],
  0,
  "rgba(68, 1, 84, 0)",
  0.15,
  "rgba(59, 82, 139, 0.75)",
  0.45,
  "#21918c",
  0.75,
  "#5ec962",
  1,
  "#fde725",
];
const many: ExpressionSpecification = ["!", ["has", "id"]];
const share: ExpressionSpecification = ["/", ["get", "candidate"], ["get", "count"]];

export function addLandslides(map: MapLibre): void {
  map.addSource(SOURCE, { type: "vector", tiles: [tiles()], maxzoom: FINEST, promoteId: "id" });
  for (const id of ["current", "neighbour"]) map.addSource(id, { type: "geojson", data: NOTHING });
  map.addSource(DENSITY, { type: "vector", tiles: [tiles({ outlines: "false" })], maxzoom: FINEST });
  map.addLayer({
    id: DENSITY,
    type: "heatmap",
    source: DENSITY,
    "source-layer": "clusters",
    layout: { visibility: "none" },
    paint: {
      "heatmap-weight": ["get", "count"],
      "heatmap-radius": 24,
      "heatmap-intensity": 0.35,
      "heatmap-color": HEAT,
      "heatmap-opacity": 0.85,
    },
  });
  const outline = { source: SOURCE, "source-layer": "landslides", layout: { "line-join": "round" as const } };
  map.addLayer({
    id: "casing",
    type: "line",
    ...outline,
    paint: { "line-color": "#000", "line-width": 3.5, "line-opacity": 0.55 },
  });
  map.addLayer({
    id: "outlines",
    type: "line",
    ...outline,
    paint: { "line-color": colourOf(KIND), "line-width": 1.6 },
  });
  map.addLayer({
    id: "points",
    type: "circle",
    source: SOURCE,
    "source-layer": "clusters",
    filter: many,
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["ln", ["get", "count"]], 0.7, 3.5, 3, 6, 7, 10],
      "circle-color": ["interpolate", ["linear"], share, 0, COLOURS.confirmed, 1, COLOURS.open],
      "circle-stroke-color": "#000",
      "circle-stroke-width": 1,
      "circle-stroke-opacity": 0.7,
    },
  });
  map.addLayer({
    id: "ones",
    type: "circle",
    source: SOURCE,
    "source-layer": "clusters",
    filter: ["has", "id"],
    paint: {
      "circle-radius": 2.5,
      "circle-color": colourOf(oneKind),
      "circle-stroke-color": "#000",
      "circle-stroke-width": 0.8,
      "circle-stroke-opacity": 0.7,
    },
  });
  for (const [id, colour, dash] of [
    ["neighbour", "#ffffff", [2, 1.5]],
    ["current", "#ffffff", null],
  ] as const) {
    map.addLayer({
      id: `${id}-casing`,
      type: "line",
      source: id,
      paint: { "line-color": "#000", "line-width": 6, "line-opacity": 0.75 },
    });
    map.addLayer({
      id,
      type: "line",
      source: id,
      paint: { "line-color": colour, "line-width": 2.6, ...(dash ? { "line-dasharray": [...dash] } : {}) },
    });
  }
}

/** A point that is one landslide counts it under its status. */
const oneKind: ExpressionSpecification = [
  "coalesce",
  ["feature-state", "kind"],
  ["case", [">", ["get", "confirmed"], 0], "confirmed", [">", ["get", "rejected"], 0], "rejected", "open"],
];

function tiles(more: Record<string, string> = {}): string {
  return asking(address("tiles/{z}/{x}/{y}.mvt"), { ...state.filters.value, ...more })
    .replace("%7Bz%7D", "{z}")
    .replace("%7Bx%7D", "{x}")
    .replace("%7By%7D", "{y}");
}

export function followLandslides(map: MapLibre): void {
  state.filters.watch(() => redraw(map));
  state.sight.watch(({ outlines, density }) => {
    const set = (layer: string, shown: boolean): void => {
      map.setLayoutProperty(layer, "visibility", shown ? "visible" : "none");
    };
    for (const layer of [...LINE_LAYERS, ...POINT_LAYERS]) set(layer, outlines && !density);
    for (const layer of ["current", "current-casing"]) set(layer, outlines);
    set(DENSITY, density);
  });
  state.current.watch((current) => mark(map, "current", current?.geometry ?? null));
  map.on("click", (event) => {
    if (state.mode.value !== "look") return;
    const [x, y] = [event.point.x, event.point.y];
    const near: [[number, number], [number, number]] = [
      [x - 5, y - 5],
      [x + 5, y + 5],
    ];
    const found = map.queryRenderedFeatures(near, { layers: ["ones", "outlines", "points"] });
    const id = found.find((feature) => feature.properties.id)?.properties.id as string | undefined;
    if (id) goTo(id).catch((error: Error) => say(error.message, "bad"));
    else if (found.length) map.easeTo({ center: event.lngLat, zoom: map.getZoom() + 2 });
  });
  let asked = 0;
  map.on("mousemove", ({ point }) => {
    cancelAnimationFrame(asked);
    if (!map.isMoving())
      asked = requestAnimationFrame(() => tell(map.queryRenderedFeatures(point, { layers: ["points"] })[0]));
  });
}

/** Say what a point counts. */
function tell(point: MapGeoJSONFeature | undefined): void {
  const { properties: told } = point ?? {};
  const parts = ["candidate", "confirmed", "rejected"].filter((status) => told?.[status]);
  const counted = parts.map((status) => `${count(told?.[status])} ${status}`).join(", ");
  by("readout").textContent = told ? `${count(told.count)} landslides, ${area(told.area_m2)}: ${counted}` : "";
}

/** Show a shape as the present landslide or its neighbour. */
export function mark(map: MapLibre, as: "current" | "neighbour", shape: Outline | null): void {
  const source = map.getSource(as) as { setData: (data: GeoJSON.GeoJSON) => void } | undefined;
  source?.setData(shape ? { type: "Feature", geometry: shape, properties: {} } : NOTHING);
}

/** Show at once what was decided; the tiles follow when they are drawn anew. */
export function colour(map: MapLibre, id: string, kind: Kind | null): void {
  for (const sourceLayer of ["landslides", "clusters"]) {
    const feature = { source: SOURCE, sourceLayer, id };
    if (kind) map.setFeatureState(feature, { kind });
    else map.removeFeatureState(feature, "kind");
  }
}

/** Ask for the tiles anew: outlines have changed, or others are wanted. */
export function redraw(map: MapLibre): void {
  (map.getSource(SOURCE) as VectorTileSource | undefined)?.setTiles([tiles()]);
  (map.getSource(DENSITY) as VectorTileSource | undefined)?.setTiles([tiles({ outlines: "false" })]);
}
