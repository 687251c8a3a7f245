// The map: its layers from the ground up, and what is always in sight beside it.
import { Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { authorizationHeaders } from "../server/api.ts";
import { byId } from "../lib/dom.ts";
import { formatCoordinates } from "../lib/format.ts";
import { addLandslideLayers, connectLandslides } from "./landslides.ts";
import { showNotice } from "../lib/notice.ts";
import { connectScenes } from "./scenes.ts";
import { addSwipeLayers, connectSwipe } from "./swipe.ts";
import { setMap, getMap } from "./view.ts";

/** Make the map, over a box in degrees. */
export async function createMap(bounds: [number, number, number, number]): Promise<void> {
  setWorkerUrl(new URL(workerUrl, document.baseURI).href);
  const map = new MapLibre({
    container: "map",
    style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background" }] },
    bounds,
    fitBoundsOptions: { padding: 40 },
    maxZoom: 21,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 0,
    keyboard: false, // the page's own keys, which can be changed
    transformRequest: (url) => ({ url, headers: authorizationHeaders() }),
  });
  setMap(map);
  map.touchZoomRotate.disableRotation();
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  map.getCanvas().setAttribute("aria-label", "Map: arrow keys move it");
  map.on("error", () => showNotice("Part of the map cannot be loaded; it comes when you move there again", "bad"));
  await new Promise((resolve) => map.once("load", resolve));
  addSwipeLayers(map, backgroundColour);
  addLandslideLayers(map);
  paintBackground();
  connectSwipe(map);
  connectScenes(map);
  connectLandslides(map);
  const label = byId("coordinates");
  const showCoordinates = ({ lng, lat }: { lng: number; lat: number }): void => {
    label.textContent = formatCoordinates(lng, lat);
  };
  map.on("mousemove", (event) => showCoordinates(event.lngLat));
  map.on("move", () => showCoordinates(map.getCenter()));
  showCoordinates(map.getCenter());
}

/** The colour of the map where there is no image, from the style sheet. */
function backgroundColour(): [number, number, number] {
  const text = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16) / 255) as [number, number, number];
}

export function paintBackground(): void {
  const [red, green, blue] = backgroundColour().map((part) => Math.round(part * 255));
  getMap().setPaintProperty("ground", "background-color", `rgb(${red}, ${green}, ${blue})`);
  getMap().triggerRepaint();
}
