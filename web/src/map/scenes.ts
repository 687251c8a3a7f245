// The images of the scenes in view, before and after, and what was computed from them.
import type { GeoJSONSource, LngLatBounds, Map as MapLibre } from "maplibre-gl";
import { address } from "../server/api.ts";
import { FIRST_LANDSLIDES } from "./landslides.ts";
import { type Sight, state } from "../state.ts";
import { CLIP, UNCLIP } from "./swipe.ts";
import type { ImageLayer, Scene } from "../server/types.ts";

const MOST = 12; // scenes at once
const LEAST_WIDTH = 24; // px; a smaller scene's images are not loaded
const TILE = 512; // px
const FRAMES = "frames";
const EQUATOR = 40_075_016.7; // m

/** Above which layer the images of a kind are put, from the ground up. */
const BELOW: Record<ImageLayer, string> = {
  post: CLIP,
  pre: UNCLIP,
  hillshade: FIRST_LANDSLIDES,
  probability: FIRST_LANDSLIDES,
  uncertainty: FIRST_LANDSLIDES,
};

export function followScenes(map: MapLibre): void {
  frames(map);
  const update = (): void => show(map, chosen(map, state.scenes.value), state.sight.value);
  map.on("moveend", () => {
    const scene = state.scene.value;
    if (!scene || !overlaps(scene, map.getBounds())) state.scene.value = nearest(map, state.scenes.value);
    update();
  });
  state.scenes.watch(update);
  state.scene.watch(update);
  state.sight.watch(update);
}

/** Frames around the scenes, so that from afar it shows where images are. */
function frames(map: MapLibre): void {
  map.addSource(FRAMES, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  const paint = { "line-color": "#808890", "line-width": 1 };
  map.addLayer({ id: FRAMES, type: "line", source: FRAMES, paint }, FIRST_LANDSLIDES);
  state.scenes.watch((scenes) => {
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
    (map.getSource(FRAMES) as GeoJSONSource | undefined)?.setData({ type: "FeatureCollection", features });
  });
}

/** The scenes whose images are shown: the one that is looked at on top of the others. */
function chosen(map: MapLibre, scenes: readonly Scene[]): Scene[] {
  const view = map.getBounds();
  const perDegree = (TILE * 2 ** map.getZoom()) / 360;
  const top = state.scene.value?.id;
  return scenes
    .filter((scene) => overlaps(scene, view) && (scene.bounds[2] - scene.bounds[0]) * perDegree >= LEAST_WIDTH)
    .sort((a, b) => Number(b.id === top) - Number(a.id === top) || (b.date_post ?? "").localeCompare(a.date_post ?? ""))
    .slice(0, MOST)
    .reverse();
}

function overlaps({ bounds: [west, south, east, north] }: Scene, view: LngLatBounds): boolean {
  return west <= view.getEast() && east >= view.getWest() && south <= view.getNorth() && north >= view.getSouth();
}

function nearest(map: MapLibre, scenes: readonly Scene[]): Scene | null {
  const { lng, lat } = map.getCenter();
  const inside = ({ bounds: [west, south, east, north] }: Scene): boolean =>
    lng >= west && lng <= east && lat >= south && lat <= north;
  return scenes.find(inside) ?? null;
}

/** Bring the map's image layers to what is to be shown. */
function show(map: MapLibre, scenes: Scene[], sight: Sight): void {
  const wanted = new Map<string, { scene: Scene; kind: ImageLayer }>();
  for (const scene of scenes)
    for (const kind of scene.layers)
      if (kind === "pre" || kind === "post" || sight[kind]) wanted.set(`${kind}:${scene.id}`, { scene, kind });
  for (const id of map.getLayersOrder())
    if (id.includes(":") && !wanted.has(id)) {
      map.removeLayer(id);
      map.removeSource(id);
    }
  for (const [id, { scene, kind }] of wanted) {
    if (!map.getSource(id)) {
      map.addSource(id, {
        type: "raster",
        tiles: [tiles(scene, kind)],
        tileSize: TILE,
        bounds: scene.bounds,
        maxzoom: finest(scene),
      });
      map.addLayer({ id, type: "raster", source: id, paint: { "raster-fade-duration": 0 } }, BELOW[kind]);
    } else map.moveLayer(id, BELOW[kind]);
    if (kind === "pre" || kind === "post") adjust(map, id, sight);
    else map.setPaintProperty(id, "raster-opacity", sight.opacity);
  }
}

function adjust(map: MapLibre, id: string, { brightness, contrast }: Sight): void {
  map.setPaintProperty(id, "raster-brightness-min", Math.max(brightness, 0));
  map.setPaintProperty(id, "raster-brightness-max", 1 + Math.min(brightness, 0));
  map.setPaintProperty(id, "raster-contrast", contrast);
}

function tiles(scene: Scene, kind: ImageLayer): string {
  const format = kind === "probability" || kind === "uncertainty" ? "png" : "webp"; // exact, or quick
  const path = address(`scenes/${encodeURIComponent(scene.id)}/${kind}`);
  return `${path}/{z}/{x}/{y}.${format}?size=${TILE}&shift=${scene.shift_east_m ?? 0},${scene.shift_north_m ?? 0}`;
}

/** The zoom at which a tile's pixel is at most half as large as the image's, so that its edges stay sharp. */
function finest({ gsd_m, bounds }: Scene): number {
  const around = EQUATOR * Math.cos((((bounds[1] + bounds[3]) / 2) * Math.PI) / 180);
  return Math.min(20, 1 + Math.ceil(Math.log2(around / TILE / (gsd_m ?? 0.5))));
}

/** Show a scene's images where they lie now. */
export function moved(map: MapLibre, scene: Scene): void {
  state.scenes.value = state.scenes.value.map((one) => (one.id === scene.id ? scene : one));
  state.scene.value = scene;
  for (const kind of scene.layers) {
    const source = map.getSource(`${kind}:${scene.id}`);
    if (source && "setTiles" in source)
      (source as { setTiles: (tiles: string[]) => void }).setTiles([tiles(scene, kind)]);
  }
}
