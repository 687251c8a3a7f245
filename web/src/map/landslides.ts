// Landslides on the map: which are shown, which is highlighted, and what a click and the pointer do.
import { effect } from "@preact/signals";
import type { GeoJSONSource, Map as MapLibre, MapGeoJSONFeature, VectorTileSource } from "maplibre-gl";
import { byId } from "../lib/dom.ts";
import { formatArea, formatCount, formatCounted } from "../lib/format.ts";
import type { Outline } from "../lib/geometry.ts";
import { apiUrl, withQuery } from "../server/api.ts";
import type { ReviewState } from "../server/types.ts";
import { state } from "../state.ts";
import {
  CLUSTER_POINTS,
  DENSITY,
  EMPTY_COLLECTION,
  type HighlightLayer,
  LINE_LAYERS,
  SINGLE_POINTS,
  TILE_SOURCE,
} from "./landslide-layers.ts";
import { REVIEWED_STATES } from "./palette.ts";

const CLICK_RADIUS = 5; // px

/** URL of the vector tiles of the filtered landslides, with MapLibre's placeholders. */
function tileUrl(more: Record<string, string> = {}): string {
  return withQuery(apiUrl("tiles/{z}/{x}/{y}.mvt"), { ...state.filters.value, ...more })
    .replace("%7Bz%7D", "{z}")
    .replace("%7Bx%7D", "{x}")
    .replace("%7By%7D", "{y}");
}

/** URL of the landslides' tiles. */
export const landslideTileUrl = (): string => tileUrl();

/** URL of the density's tiles: landslides are points at every zoom. */
export const densityTileUrl = (): string => tileUrl({ outlines: "false" });

/** Load the tiles again, because filters or outlines have changed. */
export function reloadLandslideTiles(map: MapLibre): void {
  map.getSource<VectorTileSource>(TILE_SOURCE)?.setTiles([landslideTileUrl()]);
  map.getSource<VectorTileSource>(DENSITY)?.setTiles([densityTileUrl()]);
}

/**
 * Let the layers follow filters, display options and the current landslide.
 *
 * @param onSelect - Called with the id of a landslide that is clicked.
 */
export function connectLandslides(map: MapLibre, onSelect: (id: string) => void): void {
  state.filters.subscribe(() => reloadLandslideTiles(map));
  state.display.subscribe(({ outlines, density }) => {
    const setVisible = (layer: string, visible: boolean): void => {
      map.setLayoutProperty(layer, "visibility", visible ? "visible" : "none");
    };
    for (const layer of [...LINE_LAYERS, CLUSTER_POINTS, SINGLE_POINTS]) setVisible(layer, outlines && !density);
    for (const layer of ["current", "current-casing"]) setVisible(layer, outlines);
    setVisible(DENSITY, density);
  });
  effect(() => {
    const isEdited = state.mode.value === "edit"; // then it is its outline of before, in the colour of its state
    highlight(map, "current", isEdited ? null : (state.current.value?.geometry ?? null));
  });
  connectClicks(map, onSelect);
  connectPointCounts(map);
}

/** A click on one landslide selects it; a click on a point that counts several zooms in. */
function connectClicks(map: MapLibre, onSelect: (id: string) => void): void {
  map.on("click", (event) => {
    if (state.mode.value !== "look") return;
    const layers = [SINGLE_POINTS, "outlines", CLUSTER_POINTS];
    const features = featuresNear(map, event.point, CLICK_RADIUS, layers);
    const id = features.find(({ properties }) => properties.id)?.properties.id as string | undefined;
    if (id) onSelect(id);
    else if (features.length) map.easeTo({ center: event.lngLat, zoom: map.getZoom() + 2 });
  });
}

/** The features of some layers within a few pixels of a place on the screen. */
export function featuresNear(
  map: MapLibre,
  { x, y }: { x: number; y: number },
  radius: number,
  layers: string[],
): MapGeoJSONFeature[] {
  const box: [[number, number], [number, number]] = [
    [x - radius, y - radius],
    [x + radius, y + radius],
  ];
  return map.queryRenderedFeatures(box, { layers });
}

/** Show below the map what the point under the pointer counts; looked up once per frame at most. */
function connectPointCounts(map: MapLibre): void {
  let frame = 0;
  map.on("mousemove", ({ point }) => {
    cancelAnimationFrame(frame);
    if (map.isMoving()) return;
    frame = requestAnimationFrame(() => {
      const [feature] = map.queryRenderedFeatures(point, { layers: [CLUSTER_POINTS] });
      byId("readout").textContent = feature ? pointCounts(feature) : "";
    });
  });
}

function pointCounts({ properties }: MapGeoJSONFeature): string {
  const counts = REVIEWED_STATES.filter((state) => properties[state]).map(
    (state) => `${formatCount(properties[state])} ${state}`,
  );
  return `${formatCounted(properties.count, "landslide")}, ${formatArea(properties.area_m2)}: ${counts.join(", ")}`;
}

/** Highlight an outline as the current landslide or as its neighbour; null removes the highlight. */
export function highlight(map: MapLibre, layer: HighlightLayer, outline: Outline | null): void {
  map
    .getSource<GeoJSONSource>(layer)
    ?.setData(outline ? { type: "Feature", geometry: outline, properties: {} } : EMPTY_COLLECTION);
}

/**
 * Colour a landslide by a decision before the server has made it; null takes the colour of the tile again.
 *
 * Tiles are not loaded again for a decision that leaves the outlines as they are.
 */
export function setDisplayState(map: MapLibre, id: string, displayState: ReviewState | null): void {
  for (const sourceLayer of ["landslides", "clusters"]) {
    const feature = { source: TILE_SOURCE, sourceLayer, id };
    if (displayState) map.setFeatureState(feature, { displayState });
    else map.removeFeatureState(feature, "displayState");
  }
}
