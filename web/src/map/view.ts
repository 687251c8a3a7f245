// The one map of the page, and what moves it.
import type { Map as MapLibre } from "maplibre-gl";
import { type Bounds, boundsOf, type Outline } from "../lib/geometry.ts";

let map: MapLibre | undefined;

/** Make a map the one that `getMap` gives. */
export function setMap(newMap: MapLibre): void {
  map = newMap;
}

/** The map; throws where it is not created yet. */
export function getMap(): MapLibre {
  if (!map) throw new Error("the map is not created yet");
  return map;
}

/** Give the map the focus, where the keys are commands. */
export const focusMap = (): void => getMap().getCanvas().focus({ preventScroll: true });

/** Move the map by shares of its width and height. */
export function panMap(right: number, down: number): void {
  const { clientWidth, clientHeight } = getMap().getCanvas();
  getMap().panBy([right * clientWidth, down * clientHeight], { duration: 150 });
}

/** Show a landslide in the middle of the map. */
export function centreOnOutline(outline: Outline): void {
  getMap().fitBounds(boundsOf(outline), { padding: 120, maxZoom: 16.5, duration: 300 });
}

/** Show a whole box. */
export function showBounds(bounds: Bounds): void {
  getMap().fitBounds(bounds, { padding: 40, duration: 300 });
}

/**
 * Bring a landslide into view at a scale at which it can be judged.
 *
 * The map stays where it is if the landslide already lies near its middle, and keeps its zoom if that is not far from
 * the best one, so that a reviewer who goes from landslide to landslide is not thrown about.
 */
export function moveIntoView(outline: Outline): void {
  const map = getMap();
  map.stop(); // a movement to the landslide before may still be under way
  const bounds = boundsOf(outline);
  const camera = map.cameraForBounds(bounds, { padding: 190, maxZoom: 16 });
  if (!camera?.center) return;
  const bestZoom = Number(camera.zoom);
  const zoomFits = map.getZoom() <= bestZoom + 0.5 && map.getZoom() >= bestZoom - 2;
  if (zoomFits && contains(map, bounds)) {
    const { x, y } = map.project(camera.center);
    const { clientWidth, clientHeight } = map.getCanvas();
    const nearMiddle = Math.abs(x / clientWidth - 0.5) < 0.3 && Math.abs(y / clientHeight - 0.5) < 0.3;
    if (nearMiddle) return;
  }
  map.easeTo({ center: camera.center, zoom: zoomFits ? map.getZoom() : bestZoom - 0.5, duration: 250 });
}

/** Whether a box lies within the map's view. */
function contains(map: MapLibre, [west, south, east, north]: Bounds): boolean {
  const view = map.getBounds();
  return view.contains([west, south]) && view.contains([east, north]);
}
