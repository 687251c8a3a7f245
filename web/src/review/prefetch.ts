// Loads the images of the landslides that come next while the reviewer looks at the present one.
//
// The tiles go into the browser's cache, from which the map takes them when it gets there. Nothing is loaded while the
// map itself still loads or moves, and what is under way for other places ends as soon as the reviewer goes on.
import { imageTileUrls } from "../map/scenes.ts";
import { cameraFor, getMap, presentCamera } from "../map/view.ts";
import { authorizationHeaders, refusal } from "../server/api.ts";
import { state } from "../state.ts";
import { upcoming } from "./queue.ts";

const LANDSLIDES_AHEAD = 2;
const MAX_TILES = 48; // of one landslide
const PARALLEL = 4; // requests at once
const MAX_REMEMBERED = 2000; // URLs

/** URLs that were loaded, so that they are not asked for again. */
const loaded = new Set<string>();
/** Requests under way, by URL. */
const underWay = new Map<string, AbortController>();
/** Counts the times that what is to be loaded has changed. */
let generation = 0;
let idleCallback = 0;

/** Begin to load ahead whenever the map has loaded what it shows, and stop when something else is to be shown. */
export function connectPrefetch(): void {
  const map = getMap();
  map.on("idle", schedule);
  map.on("movestart", stop);
  for (const signal of [state.current, state.scenes, state.display]) signal.subscribe(stop);
  state.queue.subscribe(() => {
    if (map.loaded() && !map.isMoving()) schedule();
  });
}

function schedule(): void {
  stop();
  idleCallback = window.requestIdleCallback?.(() => void loadAhead(), { timeout: 500 }) ?? 0;
}

/** Load nothing more. Requests under way end, too, but for tiles that the current landslide needs: the map waits for them. */
function stop(): void {
  generation++;
  if (idleCallback) window.cancelIdleCallback(idleCallback);
  idleCallback = 0;
  if (!underWay.size) return;
  const current = state.current.value;
  const wanted = new Set(current ? imageTileUrls(cameraFor(current.geometry, presentCamera())) : []);
  for (const [url, controller] of underWay) if (!wanted.has(url)) controller.abort();
}

/** Load the images of the next landslides, the nearest first, as the map will ask for them. */
async function loadAhead(): Promise<void> {
  if (document.hidden || refusal.value !== null) return;
  const urls: string[] = [];
  let camera = presentCamera();
  for (const landslide of upcoming(LANDSLIDES_AHEAD)) {
    camera = cameraFor(landslide.geometry, camera);
    urls.push(...imageTileUrls(camera).slice(0, MAX_TILES));
  }
  const waiting = [...new Set(urls)].filter((url) => !loaded.has(url) && !underWay.has(url));
  const begun = generation;
  const work = async (): Promise<void> => {
    while (begun === generation) {
      const url = waiting.shift();
      if (!url) return;
      await loadTile(url);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/** Load a tile into the browser's cache; where that fails the map tries itself, and says so. */
async function loadTile(url: string): Promise<void> {
  const controller = new AbortController();
  underWay.set(url, controller);
  try {
    const response = await fetch(url, {
      headers: authorizationHeaders(),
      priority: "low",
      signal: controller.signal,
    });
    await response.arrayBuffer(); // only a tile that was read to its end is kept
    if (!response.ok) return;
    if (loaded.size >= MAX_REMEMBERED) loaded.clear();
    loaded.add(url);
  } catch {
    // ended, or out of reach
  } finally {
    underWay.delete(url);
  }
}
