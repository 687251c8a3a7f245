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

/** Where a layer of a scene is shown: on one side of the swipe line, or across it, above both. */
type Placement = "left" | "right" | "above";
interface ShownLayer {
  scene: Scene;
  kind: ImageLayer;
  placement: Placement;
}

/** The map's layer below which those of a placement are inserted. */
const INSERT_BELOW: Record<Placement, string> = {
  right: CLIP_LAYER,
  left: UNCLIP_LAYER,
  above: LOWEST_LANDSLIDE_LAYER,
};
const USUAL_PLACEMENT: Record<ImageLayer, Placement> = {
  pre: "left",
  post: "right",
  hillshade: "above",
  probability: "above",
  uncertainty: "above",
};

/** Let the map's image layers follow its view, the scenes and the display options. */
export function connectScenes(map: MapLibre): void {
  addFootprints(map);
  const update = (): void => {
    const { center, zoom } = presentCamera();
    const scenes = scenesToShow(viewOf({ center, zoom }), zoom, state.scenes.value);
    updateImageLayers(map, layersToShow(scenes), state.display.value);
  };
  map.on("moveend", () => {
    chooseScene(map);
    update();
  });
  state.scenes.subscribe(() => chooseScene(map));
  state.scenes.subscribe(update);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reloadLater = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => reloadChangedLayers(map), SHIFT_DELAY);
  };
  state.scenes.subscribe(reloadLater);
  state.scene.subscribe(update);
  state.display.subscribe(update);
  state.display.subscribe(reloadLater);
  state.sideImages.subscribe(update);
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
  for (const { scene, kind } of layersToShow(scenesToShow(view, camera.zoom, state.scenes.value))) {
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

/**
 * The layers of scenes that are shown, the lowest of each placement first.
 *
 * Images always are; what the reviewer has chosen for a side lies on top of it.
 */
function layersToShow(scenes: readonly Scene[]): ShownLayer[] {
  const { display, sideImages } = state;
  const usual = scenes.flatMap((scene) =>
    scene.layers
      .filter((kind) => isImagery(kind) || display.value[kind])
      .map((kind) => ({ scene, kind, placement: USUAL_PLACEMENT[kind] })),
  );
  const chosen = (["left", "right"] as const).flatMap((placement) => {
    const image = sideImages.value[placement];
    const scene = image && scenes.find(({ id, layers }) => id === image.sceneId && layers.includes(image.kind));
    return scene ? [{ scene, kind: image.kind, placement }] : [];
  });
  return [...usual, ...chosen];
}

/** The first scene whose box contains the centre of the map. */
function sceneAtCentre(map: MapLibre, scenes: readonly Scene[]): Scene | null {
  const { lng, lat } = map.getCenter();
  const inside = ({ bounds: [west, south, east, north] }: Scene): boolean =>
    lng >= west && lng <= east && lat >= south && lat <= north;
  return scenes.find(inside) ?? null;
}

const isImagery = (kind: ImageLayer): kind is "pre" | "post" => kind === "pre" || kind === "post";

/** Id of the map's source and layer; no other layer's id has a colon. */
const layerId = ({ scene, kind, placement }: ShownLayer): string => `${placement}:${kind}:${scene.id}`;

/** Add, remove and order the map's image layers so that they are those that are to be shown. */
function updateImageLayers(map: MapLibre, shown: readonly ShownLayer[], display: DisplayOptions): void {
  const layers = new Map(shown.map((layer) => [layerId(layer), layer]));
  for (const id of map.getLayersOrder())
    if (id.includes(":") && !layers.has(id)) {
      map.removeLayer(id);
      map.removeSource(id);
    }
  for (const layer of shown) {
    const id = layerId(layer);
    if (map.getSource(id)) map.moveLayer(id, INSERT_BELOW[layer.placement]);
    else addImageLayer(map, layer);
    if (isImagery(layer.kind)) setBrightnessAndContrast(map, id, display);
    else map.setPaintProperty(id, "raster-opacity", display.opacity);
  }
}

function addImageLayer(map: MapLibre, layer: ShownLayer): void {
  const { scene, kind, placement } = layer;
  const id = layerId(layer);
  map.addSource(id, {
    type: "raster",
    tiles: [tileUrl(scene, kind)],
    tileSize: TILE_SIZE,
    bounds: scene.bounds,
    maxzoom: maxTileZoom(scene),
  });
  map.addLayer({ id, type: "raster", source: id, paint: { "raster-fade-duration": 0 } }, INSERT_BELOW[placement]);
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
  const colours = isImagery(kind) ? colourQuery(scene.bands[kind] ?? [], state.display.value) : "";
  return `${path}/{z}/{x}/{y}.${format}?size=${TILE_SIZE}&shift=${shift}${colours}&v=${scene.versions[kind] ?? ""}`;
}

/** The part of a tile's URL that says how an image's bands become colours; an image without those bands stays as it is. */
export function colourQuery(
  has: readonly string[],
  { bands, stretch }: Pick<DisplayOptions, "bands" | "stretch">,
): string {
  const hasAll = bands.length > 0 && bands.every((name) => has.includes(name));
  const values = { ...(hasAll ? { bands: bands.join(",") } : {}), ...(stretch ? { stretch } : {}) };
  return Object.entries(values)
    .map(([name, value]) => `&${name}=${encodeURIComponent(value)}`)
    .join("");
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

/** Load the tiles anew of the layers whose images are shifted, or coloured, otherwise than when they were loaded. */
function reloadChangedLayers(map: MapLibre): void {
  for (const layer of layersToShow(state.scenes.value)) {
    const source = map.getSource<RasterTileSource>(layerId(layer));
    const url = tileUrl(layer.scene, layer.kind);
    const loaded = source?.tiles as string[] | undefined; // missing until the source itself is loaded
    if (source && loaded?.[0] !== url) source.setTiles([url]);
  }
}
