// The map's sources and layers of landslides, as MapLibre style definitions.
//
// The server's vector tiles have two layers: `landslides` has outlines, where they are large enough to be seen;
// `clusters` has points, each of which counts the landslides around it that are too small. A point that stands for one
// landslide has its `id`.
import type { ExpressionSpecification, LayerSpecification, Map as MapLibre } from "maplibre-gl";
import { STATE_COLOURS } from "./palette.ts";

// Ids of sources and layers.
export const TILE_SOURCE = "landslides";
export const DENSITY = "density";
export const LINE_LAYERS = ["casing", "outlines"];
export const CLUSTER_POINTS = "points";
export const SINGLE_POINTS = "ones";
/** Layers of images are inserted below this one. */
export const LOWEST_LANDSLIDE_LAYER = DENSITY;

/** Layers that show one outline each: the current landslide, the neighbour to merge it with, one that is proposed. */
export type HighlightLayer = "current" | "neighbour" | "proposal";

export const EMPTY_COLLECTION = { type: "FeatureCollection" as const, features: [] };

const MAX_TILE_ZOOM = 17; // finer zooms show the tiles of this one, magnified
const HIGHLIGHT_COLOUR = "#ffffff";
const PROPOSAL_COLOUR = "#ff5fd2"; // on neither grass, soil nor water, and no status's
const OUTLINES_OF_TILES = { source: TILE_SOURCE, "source-layer": "landslides" } as const;
const POINTS_OF_TILES = { source: TILE_SOURCE, "source-layer": "clusters" } as const;

/** Few to many in viridis, which the colour-blind can read as well. */
const DENSITY_COLOURS: ExpressionSpecification = [
  "interpolate",
  ["linear"],
  ["heatmap-density"],
  ...[0, "rgba(68, 1, 84, 0)"],
  ...[0.15, "rgba(59, 82, 139, 0.75)"],
  ...[0.45, "#21918c"],
  ...[0.75, "#5ec962"],
  ...[1, "#fde725"],
];

/** The state of an outline or of a point that stands for one landslide; of a decision that the tile may not have yet
 * where `setDisplayState` has set it. */
const STATE: ExpressionSpecification = ["coalesce", ["feature-state", "displayState"], ["get", "review_state"]];

const STATE_COLOUR: ExpressionSpecification = [
  "match",
  STATE,
  "accepted",
  STATE_COLOURS.accepted,
  "rejected",
  STATE_COLOURS.rejected,
  "unsure",
  STATE_COLOURS.unsure,
  "bad imagery",
  STATE_COLOURS["bad imagery"],
  "disputed",
  STATE_COLOURS.disputed,
  "withdrawn",
  STATE_COLOURS.withdrawn,
  STATE_COLOURS.open,
];

/** Share of a point's landslides that nobody has decided on. */
const OPEN_SHARE: ExpressionSpecification = ["/", ["get", "open"], ["get", "count"]];

const DENSITY_LAYER: LayerSpecification = {
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
};

/** Outlines in the colour of their state, on a dark line that sets them off from bright images. */
const OUTLINE_LAYERS: LayerSpecification[] = [
  {
    id: "casing",
    type: "line",
    ...OUTLINES_OF_TILES,
    layout: { "line-join": "round" },
    paint: { "line-color": "#000", "line-width": 3.5, "line-opacity": 0.55 },
  },
  {
    id: "outlines",
    type: "line",
    ...OUTLINES_OF_TILES,
    layout: { "line-join": "round" },
    paint: { "line-color": STATE_COLOUR, "line-width": 1.6 },
  },
];

const POINT_LAYERS: LayerSpecification[] = [
  {
    id: CLUSTER_POINTS,
    type: "circle",
    ...POINTS_OF_TILES,
    filter: ["!", ["has", "id"]],
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["ln", ["get", "count"]], 0.7, 3.5, 3, 6, 7, 10],
      "circle-color": ["interpolate", ["linear"], OPEN_SHARE, 0, STATE_COLOURS.accepted, 1, STATE_COLOURS.open],
      "circle-stroke-color": "#000",
      "circle-stroke-width": 1,
      "circle-stroke-opacity": 0.7,
    },
  },
  {
    id: SINGLE_POINTS,
    type: "circle",
    ...POINTS_OF_TILES,
    filter: ["has", "id"],
    paint: {
      "circle-radius": 2.5,
      "circle-color": STATE_COLOUR,
      "circle-stroke-color": "#000",
      "circle-stroke-width": 0.8,
      "circle-stroke-opacity": 0.7,
    },
  },
];

/** A highlighted outline, by default white, on black; dashed if a pattern is given. */
function highlightLayers(id: HighlightLayer, dash?: number[], colour = HIGHLIGHT_COLOUR): LayerSpecification[] {
  const line = { "line-color": colour, "line-width": 2.6 };
  return [
    {
      id: `${id}-casing`,
      type: "line",
      source: id,
      paint: { "line-color": "#000", "line-width": 6, "line-opacity": 0.75 },
    },
    { id, type: "line", source: id, paint: dash ? { ...line, "line-dasharray": dash } : line },
  ];
}

/**
 * Add the landslides' sources and layers on top of the map.
 *
 * @param tiles - URL of the vector tiles.
 * @param densityTiles - URL of the tiles in which every landslide is in a point.
 */
export function addLandslideLayers(map: MapLibre, tiles: string, densityTiles: string): void {
  map.addSource(TILE_SOURCE, { type: "vector", tiles: [tiles], maxzoom: MAX_TILE_ZOOM, promoteId: "id" });
  map.addSource("current", { type: "geojson", data: EMPTY_COLLECTION });
  map.addSource("neighbour", { type: "geojson", data: EMPTY_COLLECTION });
  map.addSource("proposal", { type: "geojson", data: EMPTY_COLLECTION });
  map.addSource(DENSITY, { type: "vector", tiles: [densityTiles], maxzoom: MAX_TILE_ZOOM });
  const layers = [
    DENSITY_LAYER,
    ...OUTLINE_LAYERS,
    ...POINT_LAYERS,
    ...highlightLayers("neighbour", [2, 1.5]),
    ...highlightLayers("current"),
    ...highlightLayers("proposal", undefined, PROPOSAL_COLOUR),
  ];
  for (const layer of layers) map.addLayer(layer);
}
