// The one map of the page, and what moves it.
import { LngLat, type Map as MapLibre, Marker } from "maplibre-gl";
import { el } from "../lib/dom.ts";
import { type Bounds, boundsOf, type Outline } from "../lib/geometry.ts";
import { boundsInView, type Camera, offsetFromCentre, TILE_SIZE } from "../lib/mercator.ts";
import type { Scene } from "../server/types.ts";

const AROUND = 190; // px that are seen around a landslide, on a large screen
const AROUND_SHARE = 0.3; // on a small one: of the map's shorter side

let map: MapLibre | undefined;
/** Whether the map moves to a landslide by itself, not by the reviewer's hand. */
let isFollowing = false;

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
  if (isFollowing) map.stop(); // a movement of the reviewer goes on: a key pressed before the queue's answer counts
  const present = presentCamera();
  const target = cameraFor(outline, present);
  if (target === present) return;
  map.stop(); // before the end of the next movement is waited for
  isFollowing = true;
  map.once("moveend", () => {
    isFollowing = false;
  });
  map.easeTo({ ...target, duration: 250 });
}

/** Look at another place at once. */
export function jumpTo(camera: Camera): void {
  getMap().stop(); // a movement to a landslide may still be under way
  getMap().jumpTo(camera);
}

let marker: Marker | undefined;

/** Mark a place on the map, longitude first, instead of the one before; null marks none. */
export function markPlace(place: [number, number] | null): void {
  marker?.remove();
  if (!place) return;
  const element = el("div", { class: "place-marker", "aria-hidden": "true" });
  marker = new Marker({ element }).setLngLat(place).addTo(getMap());
}

/** Whether the middle of the map lies in a scene's box. */
export function centreContains({ bounds: [west, south, east, north] }: Scene): boolean {
  const { lng, lat } = getMap().getCenter();
  return lng >= west && lng <= east && lat >= south && lat <= north;
}

/** Whether the map looks into a scene: its middle lies there, and the scene has at least half of the map's width. */
export function isSceneInView(scene: Scene): boolean {
  const width = ((scene.bounds[2] - scene.bounds[0]) / 360) * TILE_SIZE * 2 ** getMap().getZoom();
  return centreContains(scene) && width >= getMap().getCanvas().clientWidth / 2;
}

/** Where the map looks. */
export function presentCamera(): Camera {
  const { lng, lat } = getMap().getCenter();
  return { center: [lng, lat], zoom: getMap().getZoom() };
}

/** Where the map looks once it has brought a landslide into view from a place: the same object if it stays there. */
export function cameraFor(outline: Outline, from: Camera): Camera {
  const map = getMap();
  const bounds = boundsOf(outline);
  const { clientWidth, clientHeight } = map.getCanvas();
  const padding = Math.min(AROUND, AROUND_SHARE * Math.min(clientWidth, clientHeight));
  const best = map.cameraForBounds(bounds, { padding, maxZoom: 16 });
  if (!best?.center) return from;
  const { lng, lat } = LngLat.convert(best.center);
  const bestZoom = Number(best.zoom);
  const zoomFits = from.zoom <= bestZoom + 0.5 && from.zoom >= bestZoom - 2;
  if (zoomFits && contains(viewOf(from), bounds)) {
    const [right, down] = offsetFromCentre([lng, lat], from);
    const nearMiddle = Math.abs(right) < 0.3 * clientWidth && Math.abs(down) < 0.3 * clientHeight;
    if (nearMiddle) return from;
  }
  return { center: [lng, lat], zoom: zoomFits ? from.zoom : bestZoom - 0.5 };
}

/** What the map shows when it looks at a place. */
export function viewOf(camera: Camera): Bounds {
  const { clientWidth, clientHeight } = getMap().getCanvas();
  return boundsInView(camera, clientWidth, clientHeight);
}

function contains(outer: Bounds, inner: Bounds): boolean {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}
