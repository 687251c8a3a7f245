// The images of the scenes in view, before and after, and what was computed from them.
import type { GeoJSONSource, LngLatBounds, Map as MapLibre } from "maplibre-gl";
import { apiUrl } from "../server/api.ts";
import { LOWEST_LANDSLIDE_LAYER } from "./landslides.ts";
import { type DisplayOptions, state } from "../state.ts";
import { CLIP_LAYER, UNCLIP_LAYER } from "./swipe.ts";
import type { ImageLayer, Scene } from "../server/types.ts";

const MAX_SCENES = 12; // scenes at once
const MIN_SCENE_WIDTH = 24; // px; a smaller scene's images are not loaded
const TILE_SIZE = 512; // px
const FOOTPRINTS = "frames";
const EQUATOR_LENGTH = 40_075_016.7; // m

/** Above which layer the images of a kind are put, from the ground up. */
const INSERT_BELOW: Record<ImageLayer, string> = {
  post: CLIP_LAYER,
  pre: UNCLIP_LAYER,
  hillshade: LOWEST_LANDSLIDE_LAYER,
  probability: LOWEST_LANDSLIDE_LAYER,
  uncertainty: LOWEST_LANDSLIDE_LAYER,
};

export function connectScenes(map: MapLibre): void {
  addFootprints(map);
  const update = (): void => updateImageLayers(map, scenesToShow(map, state.scenes.value), state.display.value);
  map.on("moveend", () => {
    const scene = state.scene.value;
    if (!scene || !overlaps(scene, map.getBounds())) state.scene.value = sceneAtCentre(map, state.scenes.value);
    update();
  });
  state.scenes.subscribe(update);
  state.scene.subscribe(update);
  state.display.subscribe(update);
}

/** Frames around the scenes, so that from afar it shows where images are. */
function addFootprints(map: MapLibre): void {
  map.addSource(FOOTPRINTS, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  const paint = { "line-color": "#808890", "line-width": 1 };
  map.addLayer({ id: FOOTPRINTS, type: "line", source: FOOTPRINTS, paint }, LOWEST_LANDSLIDE_LAYER);
  state.scenes.subscribe((scenes) => {
    const features = scenes.map(({ bounds: [west, south, east, north] }) => {
      const ring = [
        [west, south],
        [east, south],
        [east, north],
        [west, north],
        [west, south],
      ];
      return { type: "Feature" as const, properties: {}, geometry: { type: "Polygon" as const, coordinates: [ring] } };
    });
    (map.getSource(FOOTPRINTS) as GeoJSONSource | undefined)?.setData({ type: "FeatureCollection", features });
  });
}

/** The scenes whose images are shown: the one that is looked at on top of the others. */
function scenesToShow(map: MapLibre, scenes: readonly Scene[]): Scene[] {
  const view = map.getBounds();
  const perDegree = (TILE_SIZE * 2 ** map.getZoom()) / 360;
  const top = state.scene.value?.id;
  return scenes
    .filter((scene) => overlaps(scene, view) && (scene.bounds[2] - scene.bounds[0]) * perDegree >= MIN_SCENE_WIDTH)
    .sort((a, b) => Number(b.id === top) - Number(a.id === top) || (b.date_post ?? "").localeCompare(a.date_post ?? ""))
    .slice(0, MAX_SCENES)
    .reverse();
}

function overlaps({ bounds: [west, south, east, north] }: Scene, view: LngLatBounds): boolean {
  return west <= view.getEast() && east >= view.getWest() && south <= view.getNorth() && north >= view.getSouth();
}

function sceneAtCentre(map: MapLibre, scenes: readonly Scene[]): Scene | null {
  const { lng, lat } = map.getCenter();
  const inside = ({ bounds: [west, south, east, north] }: Scene): boolean =>
    lng >= west && lng <= east && lat >= south && lat <= north;
  return scenes.find(inside) ?? null;
}

/** Bring the map's image layers to what is to be shown. */
function updateImageLayers(map: MapLibre, scenes: Scene[], sight: DisplayOptions): void {
  const layers = new Map<string, { scene: Scene; kind: ImageLayer }>();
  for (const scene of scenes)
    for (const kind of scene.layers)
      if (kind === "pre" || kind === "post" || sight[kind]) layers.set(`${kind}:${scene.id}`, { scene, kind });
  for (const id of map.getLayersOrder())
    if (id.includes(":") && !layers.has(id)) {
      map.removeLayer(id);
      map.removeSource(id);
    }
  for (const [id, { scene, kind }] of layers) {
    if (!map.getSource(id)) {
      map.addSource(id, {
        type: "raster",
        tiles: [tileUrl(scene, kind)],
        tileSize: TILE_SIZE,
        bounds: scene.bounds,
        maxzoom: maxTileZoom(scene),
      });
      map.addLayer({ id, type: "raster", source: id, paint: { "raster-fade-duration": 0 } }, INSERT_BELOW[kind]);
    } else map.moveLayer(id, INSERT_BELOW[kind]);
    if (kind === "pre" || kind === "post") setBrightnessAndContrast(map, id, sight);
    else map.setPaintProperty(id, "raster-opacity", sight.opacity);
  }
}

function setBrightnessAndContrast(map: MapLibre, id: string, { brightness, contrast }: DisplayOptions): void {
  map.setPaintProperty(id, "raster-brightness-min", Math.max(brightness, 0));
  map.setPaintProperty(id, "raster-brightness-max", 1 + Math.min(brightness, 0));
  map.setPaintProperty(id, "raster-contrast", contrast);
}

function tileUrl(scene: Scene, kind: ImageLayer): string {
  const format = kind === "probability" || kind === "uncertainty" ? "png" : "webp"; // exact, or quick
  const path = apiUrl(`scenes/${encodeURIComponent(scene.id)}/${kind}`);
  return `${path}/{z}/{x}/{y}.${format}?size=${TILE_SIZE}&shift=${scene.shift_east_m ?? 0},${scene.shift_north_m ?? 0}`;
}

/** The zoom at which a tile's pixel is at most half as large as the image's, so that its edges stay sharp. */
function maxTileZoom({ gsd_m, bounds }: Scene): number {
  const around = EQUATOR_LENGTH * Math.cos((((bounds[1] + bounds[3]) / 2) * Math.PI) / 180);
  return Math.min(20, 1 + Math.ceil(Math.log2(around / TILE_SIZE / (gsd_m ?? 0.5))));
}

/** Show a scene's images where they lie now. */
export function showShiftedScene(map: MapLibre, scene: Scene): void {
  state.scenes.value = state.scenes.value.map((one) => (one.id === scene.id ? scene : one));
  state.scene.value = scene;
  for (const kind of scene.layers) {
    const source = map.getSource(`${kind}:${scene.id}`);
    if (source && "setTiles" in source)
      (source as { setTiles: (tiles: string[]) => void }).setTiles([tileUrl(scene, kind)]);
  }
}
