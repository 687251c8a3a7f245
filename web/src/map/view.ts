// The one map, for those who move it or draw on it.
import type { Map as MapLibre } from "maplibre-gl";

let map: MapLibre | undefined;

export function hold(made: MapLibre): void {
  map = made;
}

export function mapView(): MapLibre {
  if (!map) throw new Error("the map is not there yet");
  return map;
}

/** Move the map by a share of its size. */
export function pan(right: number, down: number): void {
  const { clientWidth, clientHeight } = mapView().getCanvas();
  mapView().panBy([right * clientWidth, down * clientHeight], { duration: 150 });
}
