// The map: its layers from the ground up, and what is always in sight beside it.
import { Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { identity } from "../server/api.ts";
import { by } from "../lib/dom.ts";
import { place } from "../lib/format.ts";
import { addLandslides, followLandslides } from "./landslides.ts";
import { say } from "../lib/notice.ts";
import { followScenes } from "./scenes.ts";
import { addSwipe, followSwipe } from "./swipe.ts";
import { hold, mapView } from "./view.ts";

/** Make the map, over a box in degrees. */
export async function makeMap(bounds: [number, number, number, number]): Promise<void> {
  setWorkerUrl(new URL(workerUrl, document.baseURI).href);
  const made = new MapLibre({
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
    transformRequest: (url) => ({ url, headers: identity() }),
  });
  hold(made);
  made.touchZoomRotate.disableRotation();
  made.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  made.getCanvas().setAttribute("aria-label", "Map: arrow keys move it");
  made.on("error", () => say("Part of the map cannot be loaded; it comes when you move there again", "bad"));
  await new Promise((resolve) => made.once("load", resolve));
  addSwipe(made, ground);
  addLandslides(made);
  paintGround();
  followSwipe(made);
  followScenes(made);
  followLandslides(made);
  const where = by("coordinates");
  const tell = ({ lng, lat }: { lng: number; lat: number }): void => {
    where.textContent = place(lng, lat);
  };
  made.on("mousemove", (event) => tell(event.lngLat));
  made.on("move", () => tell(made.getCenter()));
  tell(made.getCenter());
}

/** The colour of the map where there is no image, from the style sheet. */
function ground(): [number, number, number] {
  const text = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16) / 255) as [number, number, number];
}

export function paintGround(): void {
  const [red, green, blue] = ground().map((part) => Math.round(part * 255));
  mapView().setPaintProperty("ground", "background-color", `rgb(${red}, ${green}, ${blue})`);
  mapView().triggerRepaint();
}
