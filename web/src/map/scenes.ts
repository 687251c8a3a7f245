// The images of the scenes in view, before and after, and what was computed from them, as raster layers.
import type { GeoJSONSource, Map as MapLibre, RasterTileSource } from "maplibre-gl";
import type { Bounds } from "../lib/geometry.ts";
import { type Camera, centreOfTile, offsetFromCentre, TILE_SIZE, tilesIn } from "../lib/mercator.ts";
import { apiUrl } from "../server/api.ts";
import type { ImageLayer, Scene } from "../server/types.ts";
import { type DisplayOptions, state } from "../state.ts";
import { EMPTY_COLLECTION, LOWEST_LANDSLIDE_LAYER } from "./landslide-layers.ts";
import { CLIP_LAYER, UNCLIP_LAYER } from "./swipe.ts";
import { presentCamera, viewOf } from "./view.ts";

const MAX_SCENES = 12; // shown at once
const MIN_SCENE_WIDTH = 24; // px; images of a smaller scene are not loaded
const FOOTPRINTS = "frames";
const SHIFT_DELAY = 150; // ms without a further shift before the tiles of shifted images are loaded
const EQUATOR_LENGTH = 40_075_016.7; // m

/** The layer below which the images of a kind are inserted. */
const INSERT_BELOW: Record<ImageLayer, string> = {
  post: CLIP_LAYER,
  pre: UNCLIP_LAYER,
  hillshade: LOWEST_LANDSLIDE_LAYER,
  probability: LOWEST_LANDSLIDE_LAYER,
  uncertainty: LOWEST_LANDSLIDE_LAYER,
};

/** Let the map's image layers follow its view, the scenes and the display options. */
export function connectScenes(map: MapLibre): void {
  addFootprints(map);
  const update = (): void => {
    const { center, zoom } = presentCamera();
    const scenes = scenesToShow(viewOf({ center, zoom }), zoom, state.scenes.value);
    updateImageLayers(map, scenes, state.display.value);
  };
  map.on("moveend", () => {
    chooseScene(map);
    update();
  });
  state.scenes.subscribe(() => chooseScene(map));
  state.scenes.subscribe(update);
  let timer: ReturnType<typeof setTimeout> | undefined;
  state.scenes.subscribe(() => {
    clearTimeout(timer);
    timer = setTimeout(() => reloadMovedLayers(map), SHIFT_DELAY);
  });
  state.scene.subscribe(update);
  state.display.subscribe(update);
}

/** Let the scene at the map's centre lie on top, unless one in view does already. */
function chooseScene(map: MapLibre): void {
  const scene = state.scene.value;
  if (!scene || !overlaps(scene, viewOf(presentCamera()))) state.scene.value = sceneAtCentre(map, state.scenes.value);
}

/** Add the scenes' bounding boxes, so that one sees from afar where images are. */
function addFootprints(map: MapLibre): void {
  map.addSource(FOOTPRINTS, { type: "geojson", data: EMPTY_COLLECTION });
  const paint = { "line-color": "#808890", "line-width": 1 };
  map.addLayer({ id: FOOTPRINTS, type: "line", source: FOOTPRINTS, paint }, LOWEST_LANDSLIDE_LAYER);
  state.scenes.subscribe((scenes) => {
    const features = scenes.map(footprint);
    map.getSource<GeoJSONSource>(FOOTPRINTS)?.setData({ type: "FeatureCollection", features });
  });
}

function footprint({ bounds: [west, south, east, north] }: Scene): GeoJSON.Feature {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

/** The scenes whose images are shown, the lowest first: `state.scene` lies on top, below it the latest. */
function scenesToShow(view: Bounds, zoom: number, scenes: readonly Scene[]): Scene[] {
  const pixelsPerDegree = (TILE_SIZE * 2 ** zoom) / 360;
  const top = state.scene.value?.id;
  return scenes
    .filter(
      (scene) => overlaps(scene, view) && (scene.bounds[2] - scene.bounds[0]) * pixelsPerDegree >= MIN_SCENE_WIDTH,
    )
    .sort((a, b) => Number(b.id === top) - Number(a.id === top) || (b.date_post ?? "").localeCompare(a.date_post ?? ""))
    .slice(0, MAX_SCENES)
    .reverse();
}

function overlaps({ bounds: [west, south, east, north] }: Scene, view: Bounds): boolean {
  return west <= view[2] && east >= view[0] && south <= view[3] && north >= view[1];
}

/** The URLs of the tiles that the map asks for when it looks at a place, those of the middle first. */
export function imageTileUrls(camera: Camera): string[] {
  const view = viewOf(camera);
  const urls: { url: string; distance: number }[] = [];
  for (const scene of scenesToShow(view, camera.zoom, state.scenes.value))
    for (const kind of layersToShow(scene, state.display.value)) {
      const template = tileUrl(scene, kind);
      const zoom = Math.min(Math.round(camera.zoom), maxTileZoom(scene));
      for (const { z, x, y } of tilesIn(intersection(view, scene.bounds), zoom)) {
        const url = template.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
        const [right, down] = offsetFromCentre(centreOfTile({ z, x, y }), camera);
        urls.push({ url, distance: Math.hypot(right, down) });
      }
    }
  return urls.sort((a, b) => a.distance - b.distance).map(({ url }) => url);
}

const intersection = (a: Bounds, b: Bounds): Bounds => [
  Math.max(a[0], b[0]),
  Math.max(a[1], b[1]),
  Math.min(a[2], b[2]),
  Math.min(a[3], b[3]),
];

/** The layers of a scene that the display options show; images always are. */
const layersToShow = (scene: Scene, display: DisplayOptions): ImageLayer[] =>
  scene.layers.filter((kind) => isImagery(kind) || display[kind]);

/** The first scene whose box contains the centre of the map. */
function sceneAtCentre(map: MapLibre, scenes: readonly Scene[]): Scene | null {
  const { lng, lat } = map.getCenter();
  const inside = ({ bounds: [west, south, east, north] }: Scene): boolean =>
    lng >= west && lng <= east && lat >= south && lat <= north;
  return scenes.find(inside) ?? null;
}

const isImagery = (kind: ImageLayer): kind is "pre" | "post" => kind === "pre" || kind === "post";

/** Id of the map's source and layer of a scene's images; no other layer's id has a colon. */
const imageLayerId = (scene: Scene, kind: ImageLayer): string => `${kind}:${scene.id}`;

/** Add, remove and order the map's image layers so that they are those of the scenes and the display options. */
function updateImageLayers(map: MapLibre, scenes: Scene[], display: DisplayOptions): void {
  const layers = new Map<string, { scene: Scene; kind: ImageLayer }>();
  for (const scene of scenes)
    for (const kind of layersToShow(scene, display)) layers.set(imageLayerId(scene, kind), { scene, kind });
  for (const id of map.getLayersOrder())
    if (id.includes(":") && !layers.has(id)) {
      map.removeLayer(id);
      map.removeSource(id);
    }
  for (const [id, { scene, kind }] of layers) {
    if (map.getSource(id)) map.moveLayer(id, INSERT_BELOW[kind]);
    else addImageLayer(map, id, scene, kind);
    if (isImagery(kind)) setBrightnessAndContrast(map, id, display);
    else map.setPaintProperty(id, "raster-opacity", display.opacity);
  }
}

function addImageLayer(map: MapLibre, id: string, scene: Scene, kind: ImageLayer): void {
  map.addSource(id, {
    type: "raster",
    tiles: [tileUrl(scene, kind)],
    tileSize: TILE_SIZE,
    bounds: scene.bounds,
    maxzoom: maxTileZoom(scene),
  });
  map.addLayer({ id, type: "raster", source: id, paint: { "raster-fade-duration": 0 } }, INSERT_BELOW[kind]);
}

function setBrightnessAndContrast(map: MapLibre, id: string, { brightness, contrast }: DisplayOptions): void {
  map.setPaintProperty(id, "raster-brightness-min", Math.max(brightness, 0));
  map.setPaintProperty(id, "raster-brightness-max", 1 + Math.min(brightness, 0));
  map.setPaintProperty(id, "raster-contrast", contrast);
}

/** URL of a scene's tiles: PNG for values, which must be exact; WebP for images, which must load quickly. */
function tileUrl(scene: Scene, kind: ImageLayer): string {
  const format = kind === "probability" || kind === "uncertainty" ? "png" : "webp";
  const path = apiUrl(`scenes/${encodeURIComponent(scene.id)}/${kind}`);
  const shift = layerShift(scene, kind).join(",");
  return `${path}/{z}/{x}/{y}.${format}?size=${TILE_SIZE}&shift=${shift}&v=${scene.versions[kind] ?? ""}`;
}

/** By how many metres a scene's layer is moved east and north, whether the server has stored it or not. */
function layerShift(scene: Scene, kind: ImageLayer): [number, number] {
  if (kind === "hillshade") return [0, 0];
  if (kind === "pre" && scene.pre_shift_east_m !== null) return [scene.pre_shift_east_m, scene.pre_shift_north_m ?? 0];
  return [scene.shift_east_m ?? 0, scene.shift_north_m ?? 0];
}

/** The zoom at which a tile's pixel is at most half as large as the image's, so that its edges stay sharp. */
function maxTileZoom({ gsd_m, bounds }: Scene): number {
  const latitude = (bounds[1] + bounds[3]) / 2;
  const parallelLength = EQUATOR_LENGTH * Math.cos((latitude * Math.PI) / 180);
  return Math.min(20, 1 + Math.ceil(Math.log2(parallelLength / TILE_SIZE / (gsd_m ?? 0.5))));
}

/** Load the tiles of the layers whose images were shifted since they were loaded. */
function reloadMovedLayers(map: MapLibre): void {
  for (const scene of state.scenes.value)
    for (const kind of scene.layers) {
      const source = map.getSource<RasterTileSource>(imageLayerId(scene, kind));
      const url = tileUrl(scene, kind);
      const loaded = source?.tiles as string[] | undefined; // missing until the source itself is loaded
      if (source && loaded?.[0] !== url) source.setTiles([url]);
    }
}
