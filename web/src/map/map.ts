// Creates the map with its layers, from the ground up: images before and after, what was computed, landslides.
import { Map as MapLibre, type RequestParameters, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { byId } from "../lib/dom.ts";
import { formatCoordinates } from "../lib/format.ts";
import type { Bounds } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { apiUrl, authorizationHeaders, checkToken, refusal, refusesFilters } from "../server/api.ts";
import { addLandslideLayers } from "./landslide-layers.ts";
import { connectLandslides, densityTileUrl, landslideTileUrl } from "./landslides.ts";
import { connectScenes } from "./scenes.ts";
import { addSwipeLayers, CLIP_LAYER, connectSwipe, UNCLIP_LAYER } from "./swipe.ts";
import { state } from "../state.ts";
import { getMap, setMap } from "./view.ts";

const BACKGROUND = "ground";

/**
 * Create the map over a box and wait until it is loaded.
 *
 * @param onSelect - Called with the id of a landslide that is clicked.
 */
export async function createMap(bounds: Bounds, onSelect: (id: string) => void): Promise<void> {
  setWorkerUrl(new URL(workerUrl, document.baseURI).href);
  const map = new MapLibre({
    container: "map",
    style: { version: 8, sources: {}, layers: [{ id: BACKGROUND, type: "background" }] },
    bounds,
    fitBoundsOptions: { padding: 40 },
    maxZoom: 21,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 0,
    keyboard: false, // the page has keys of its own, which can be changed
    transformRequest: (url) => (isOwn(url) ? withToken({ url, headers: authorizationHeaders() }) : { url }),
  });
  setMap(map);
  markBusy(map);
  map.touchZoomRotate.disableRotation();
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  map.getCanvas().setAttribute("aria-label", "Map: arrow keys move it");
  map.on("error", ({ error }) => {
    const { status } = error as { status?: number };
    if (refusesFilters(status)) return; // it is told at the filters
    if (status === 401) checkToken();
    else showNotice("Part of the map could not be loaded; move there again to load it", "bad");
  });
  await new Promise((resolve) => map.once("load", resolve));
  addSwipeLayers(map, backgroundColour);
  addBaseMap(map);
  addLandslideLayers(map, landslideTileUrl(), densityTileUrl());
  paintBackground();
  connectSwipe(map);
  connectScenes(map);
  connectLandslides(map, onSelect);
  connectCoordinates(map);
  connectToken(map);
}

/** Whether a URL is one of this server's: nobody else is sent the token. */
const isOwn = (url: string): boolean => url.startsWith(new URL("..", apiUrl("")).href);

/** Add the base map that the server is set up with, on both sides of the swipe, below the images. */
function addBaseMap(map: MapLibre): void {
  const basemap = state.serverInfo.value?.basemap;
  if (!basemap) return;
  map.addSource("basemap", { type: "raster", tiles: [basemap.url], tileSize: 256, maxzoom: 19 });
  const ids = { "basemap-after": CLIP_LAYER, "basemap-before": UNCLIP_LAYER };
  for (const [id, above] of Object.entries(ids)) map.addLayer({ id, type: "raster", source: "basemap" }, above);
  state.display.subscribe((display) => {
    for (const id of Object.keys(ids)) map.setLayoutProperty(id, "visibility", display.basemap ? "visible" : "none");
    byId("credit").textContent = display.basemap ? basemap.credit || new URL(basemap.url).host : "";
  });
}

/** Load again what the server refused to a token, when there is another one. */
function connectToken(map: MapLibre): void {
  let refused = false;
  refusal.subscribe((reason) => {
    if (refused && reason === null) {
      const sources = Object.entries(map.getStyle().sources).filter(([, { type }]) => type !== "geojson");
      for (const [name] of sources) map.refreshTiles(name);
    }
    refused = reason !== null;
  });
}

/** A request of the map; while the token is refused, it waits until there is another one. */
function withToken(request: RequestParameters): RequestParameters | Promise<RequestParameters> {
  if (refusal.value === null) return request;
  return new Promise((resolve) => {
    const stop = refusal.subscribe((reason) => {
      if (reason !== null) return;
      resolve({ ...request, headers: authorizationHeaders() });
      queueMicrotask(() => stop());
    });
  });
}

/** Say in the document whether images or landslides are on their way, for programs that read the page aloud. */
function markBusy(map: MapLibre): void {
  const container = map.getContainer();
  map.on("dataloading", () => container.setAttribute("aria-busy", "true"));
  map.on("idle", () => container.setAttribute("aria-busy", "false"));
}

/** Show the coordinates under the pointer; while the map moves, those of its centre. */
function connectCoordinates(map: MapLibre): void {
  const label = byId("coordinates");
  const show = ({ lng, lat }: { lng: number; lat: number }): void => {
    label.textContent = formatCoordinates(lng, lat);
  };
  map.on("mousemove", (event) => show(event.lngLat));
  map.on("move", () => show(map.getCenter()));
  show(map.getCenter());
}

/** The colour where there is no image, from the style sheet: red, green, blue of 0 to 1. */
function backgroundColour(): [number, number, number] {
  const text = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
  return [1, 3, 5].map((start) => Number.parseInt(text.slice(start, start + 2), 16) / 255) as [number, number, number];
}

/** Paint the background in the theme's colour; called again when the theme changes. */
export function paintBackground(): void {
  const [red, green, blue] = backgroundColour().map((part) => Math.round(part * 255));
  getMap().setPaintProperty(BACKGROUND, "background-color", `rgb(${red}, ${green}, ${blue})`);
  getMap().triggerRepaint();
}
