// Where the page is, as a link in the browser's address, and going to other places: by link, coordinates, id or scene.
//
// Each landslide that is chosen makes an entry in the browser's history; moving the map changes the entry.
import { parseCoordinates } from "../lib/coordinates.ts";
import { type Bounds, boundsOf } from "../lib/geometry.ts";
import { formatHash, parseHash, type Place } from "../lib/link.ts";
import type { Camera } from "../lib/mercator.ts";
import { showNotice } from "../lib/notice.ts";
import { getMap, isSceneInView, jumpTo, markPlace, presentCamera, showBounds, viewOf } from "../map/view.ts";
import type { Scene } from "../server/types.ts";
import { state } from "../state.ts";
import { isPending } from "./decisions.ts";
import { refreshQueue, select, selectById } from "./queue.ts";

const WRITE_DELAY = 300; // ms without a movement of the map before the address follows
const SEARCH_ZOOM = 14; // at least, at coordinates

/** The landslide that the present entry of the browser's history is of. */
let entryId: string | undefined;

/** Let the address follow the current landslide and the map, and both follow the browser's back and forward. */
export function connectPlaces(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const followLater = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => writeAddress("replaceState", presentPlace()), WRITE_DELAY);
  };
  state.current.subscribe((current) => {
    if (current) markPlace(null);
    if (!current || current.id === entryId) return followLater();
    writeAddress(entryId === undefined ? "replaceState" : "pushState", { id: current.id });
    entryId = current.id;
  });
  getMap().on("moveend", followLater);
  window.addEventListener("popstate", () => void followAddress());
}

/** The landslide and the view that the page shows. */
function presentPlace(): Place {
  const id = state.current.value?.id;
  return { ...(id ? { id } : {}), camera: presentCamera() };
}

/** The link to what the page shows. */
export const presentLink = (): string => new URL(formatHash(presentPlace()), location.href).href;

function writeAddress(how: "pushState" | "replaceState", place: Place): void {
  try {
    history[how](null, "", formatHash(place));
  } catch {
    // browsers refuse more than a hundred changes in half a minute; the next one is taken
  }
}

/** Go where the address says since the reviewer went back or forward, or changed it. */
async function followAddress(): Promise<void> {
  const place = parseHash(location.hash);
  if (!place) return;
  if (state.mode.value !== "look") {
    writeAddress("pushState", presentPlace());
    return showNotice("Keep or leave what you have begun, then go back or forward", "bad");
  }
  entryId = place.id ?? entryId;
  await goTo(place).catch((error: Error) => showNotice(error.message, "bad"));
}

/** Go where a link leads; throws where its landslide cannot be read. */
async function goTo({ id, camera }: Place): Promise<void> {
  if (id && id !== state.current.value?.id) await selectById(id);
  if (!camera) return;
  if (!id) leaveLandslideOutside(viewOf(camera));
  jumpTo(camera);
}

/**
 * Go where the page's address leads when it is opened.
 *
 * @returns Whether it leads anywhere; else the queue begins as usual.
 */
export async function openPlace(place: Place | null): Promise<boolean> {
  if (!place) return false;
  try {
    await goTo(place);
  } catch (error) {
    showNotice((error as Error).message, "bad");
    return false;
  }
  const { value: current } = state.current;
  const isWaiting = current?.properties.review_state === state.queueName.value && !isPending(current.id);
  if (current && isWaiting) state.queue.value = [current];
  await refreshQueue();
  return true;
}

/**
 * Go to what a person has typed: coordinates, a landslide's id, a link, or the name of a scene.
 *
 * @throws Error where there is no such place; the message says what to write.
 */
export async function search(text: string): Promise<void> {
  const words = text.trim();
  if (!words) throw new Error("Write coordinates, a landslide's id or a link");
  const link = parseHash(words);
  if (link) return goTo(link);
  const coordinates = parseCoordinates(words);
  if (coordinates) return goToCoordinates(coordinates);
  const scene = state.scenes.value.find(({ name }) => name.toLowerCase() === words.toLowerCase());
  if (scene) return showScene(scene);
  if (/\s/.test(words)) throw new Error(`Nothing is called "${words}": write coordinates, a landslide's id or a link`);
  await selectById(words);
}

function goToCoordinates(center: Camera["center"]): void {
  const camera = { center, zoom: Math.max(presentCamera().zoom, SEARCH_ZOOM) };
  beginEntry();
  leaveLandslideOutside(viewOf(camera));
  jumpTo(camera);
  markPlace(center);
}

/** Show a scene's images on top, and the whole scene unless the map looks into it already. */
export function showScene(scene: Scene): void {
  if (!isSceneInView(scene)) {
    beginEntry();
    leaveLandslideOutside(scene.bounds);
    showBounds(scene.bounds);
  }
  state.scene.value = scene;
}

/** Keep the present entry of the browser's history, and go on in a new one. */
const beginEntry = (): void => writeAddress("pushState", presentPlace());

/** Choose no landslide where the current one is not in the view that comes: it would be decided on unseen. */
function leaveLandslideOutside(view: Bounds): void {
  const { value: current } = state.current;
  if (!current) return;
  const [west, south, east, north] = boundsOf(current.geometry);
  const isInView = west <= view[2] && east >= view[0] && south <= view[3] && north >= view[1];
  if (!isInView) select(null);
}

/** Open the dialog in which one goes to another place. */
export function openPlaces(): void {
  if (state.mode.value === "look") state.placesOpen.value = true;
  else showNotice("Keep or leave what you have begun, then go elsewhere", "bad");
}

/** Copy the link to what the page shows; where the browser does not let the page copy, the dialog shows it. */
export async function copyLink(): Promise<void> {
  const link = presentLink();
  try {
    await navigator.clipboard.writeText(link); // missing where the page comes from another machine without TLS
    showNotice("Link copied");
  } catch {
    state.placesOpen.value = true;
    showNotice("The browser does not let the page copy: copy the link from its field");
  }
}
