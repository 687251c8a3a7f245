// The one map, for those who move it or draw on it.
import type { Map as MapLibre } from "maplibre-gl";

let map: MapLibre | undefined;

export function setMap(newMap: MapLibre): void {
  map = newMap;
}

export function getMap(): MapLibre {
  if (!map) throw new Error("the map is not there yet");
  return map;
}

/** Move the map by a share of its size. */
export function panMap(right: number, down: number): void {
  const { clientWidth, clientHeight } = getMap().getCanvas();
  getMap().panBy([right * clientWidth, down * clientHeight], { duration: 150 });
}
