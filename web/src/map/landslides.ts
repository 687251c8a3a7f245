// Landslides on the map: outlines where they can be seen, points that count them where they cannot.
import type { ExpressionSpecification, Map as MapLibre, MapGeoJSONFeature, VectorTileSource } from "maplibre-gl";
import { apiUrl, withQuery } from "../server/api.ts";
import { byId } from "../lib/dom.ts";
import { formatArea, formatCount } from "../lib/format.ts";
import { showNotice } from "../lib/notice.ts";
import { STATUS_COLOURS, statusColour, STATUS_OF_OUTLINE, type DisplayStatus } from "./palette.ts";
import { selectById } from "../review/queue.ts";
import { state } from "../state.ts";
import type { Outline } from "../server/types.ts";

const SOURCE = "landslides";
const DENSITY = "density";
export const LOWEST_LANDSLIDE_LAYER = DENSITY;
const POINT_LAYERS = ["points", "ones"];
const LINE_LAYERS = ["casing", "outlines"];
const MAX_TILE_ZOOM = 17; // zoom; beyond it tiles are magnified
const EMPTY_COLLECTION = { type: "FeatureCollection" as const, features: [] };

/** From nothing to many by viridis, which the colour-blind read as well. */
const DENSITY_COLOURS: ExpressionSpecification = [
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
const countsSeveral: ExpressionSpecification = ["!", ["has", "id"]];
const candidateShare: ExpressionSpecification = ["/", ["get", "candidate"], ["get", "count"]];

export function addLandslideLayers(map: MapLibre): void {
  map.addSource(SOURCE, { type: "vector", tiles: [tileUrl()], maxzoom: MAX_TILE_ZOOM, promoteId: "id" });
  for (const id of ["current", "neighbour"]) map.addSource(id, { type: "geojson", data: EMPTY_COLLECTION });
  map.addSource(DENSITY, { type: "vector", tiles: [tileUrl({ outlines: "false" })], maxzoom: MAX_TILE_ZOOM });
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
      "heatmap-color": DENSITY_COLOURS,
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
    paint: { "line-color": statusColour(STATUS_OF_OUTLINE), "line-width": 1.6 },
  });
  map.addLayer({
    id: "points",
    type: "circle",
    source: SOURCE,
    "source-layer": "clusters",
    filter: countsSeveral,
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["ln", ["get", "count"]], 0.7, 3.5, 3, 6, 7, 10],
      "circle-color": ["interpolate", ["linear"], candidateShare, 0, STATUS_COLOURS.confirmed, 1, STATUS_COLOURS.open],
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
      "circle-color": statusColour(STATUS_OF_POINT),
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
const STATUS_OF_POINT: ExpressionSpecification = [
  "coalesce",
  ["feature-state", "kind"],
  ["case", [">", ["get", "confirmed"], 0], "confirmed", [">", ["get", "rejected"], 0], "rejected", "open"],
];

function tileUrl(more: Record<string, string> = {}): string {
  return withQuery(apiUrl("tiles/{z}/{x}/{y}.mvt"), { ...state.filters.value, ...more })
    .replace("%7Bz%7D", "{z}")
    .replace("%7Bx%7D", "{x}")
    .replace("%7By%7D", "{y}");
}

export function connectLandslides(map: MapLibre): void {
  state.filters.subscribe(() => reloadLandslideTiles(map));
  state.display.subscribe(({ outlines, density }) => {
    const set = (layer: string, shown: boolean): void => {
      map.setLayoutProperty(layer, "visibility", shown ? "visible" : "none");
    };
    for (const layer of [...LINE_LAYERS, ...POINT_LAYERS]) set(layer, outlines && !density);
    for (const layer of ["current", "current-casing"]) set(layer, outlines);
    set(DENSITY, density);
  });
  state.current.subscribe((current) => highlight(map, "current", current?.geometry ?? null));
  map.on("click", (event) => {
    if (state.mode.value !== "look") return;
    const [x, y] = [event.point.x, event.point.y];
    const near: [[number, number], [number, number]] = [
      [x - 5, y - 5],
      [x + 5, y + 5],
    ];
    const features = map.queryRenderedFeatures(near, { layers: ["ones", "outlines", "points"] });
    const id = features.find((feature) => feature.properties.id)?.properties.id as string | undefined;
    if (id) selectById(id).catch((error: Error) => showNotice(error.message, "bad"));
    else if (features.length) map.easeTo({ center: event.lngLat, zoom: map.getZoom() + 2 });
  });
  let animationFrame = 0;
  map.on("mousemove", ({ point }) => {
    cancelAnimationFrame(animationFrame);
    if (!map.isMoving())
      animationFrame = requestAnimationFrame(() =>
        showPointCounts(map.queryRenderedFeatures(point, { layers: ["points"] })[0]),
      );
  });
}

/** Say what a point counts. */
function showPointCounts(point: MapGeoJSONFeature | undefined): void {
  const { properties } = point ?? {};
  const parts = ["candidate", "confirmed", "rejected"].filter((status) => properties?.[status]);
  const counted = parts.map((status) => `${formatCount(properties?.[status])} ${status}`).join(", ");
  byId("readout").textContent = properties
    ? `${formatCount(properties.count)} landslides, ${formatArea(properties.area_m2)}: ${counted}`
    : "";
}

/** Show a shape as the present landslide or its neighbour. */
export function highlight(map: MapLibre, as: "current" | "neighbour", shape: Outline | null): void {
  const source = map.getSource(as) as { setData: (data: GeoJSON.GeoJSON) => void } | undefined;
  source?.setData(shape ? { type: "Feature", geometry: shape, properties: {} } : EMPTY_COLLECTION);
}

/** Show at once what was decided; the tiles follow when they are drawn anew. */
export function setDisplayStatus(map: MapLibre, id: string, kind: DisplayStatus | null): void {
  for (const sourceLayer of ["landslides", "clusters"]) {
    const feature = { source: SOURCE, sourceLayer, id };
    if (kind) map.setFeatureState(feature, { kind });
    else map.removeFeatureState(feature, "kind");
  }
}

/** Ask for the tiles anew: outlines have changed, or others are wanted. */
export function reloadLandslideTiles(map: MapLibre): void {
  (map.getSource(SOURCE) as VectorTileSource | undefined)?.setTiles([tileUrl()]);
  (map.getSource(DENSITY) as VectorTileSource | undefined)?.setTiles([tileUrl({ outlines: "false" })]);
}
