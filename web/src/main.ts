// Starts the page: loads what the server and the browser have stored, and creates the rooms from the map up.
import { boundsOfAll, type Bounds } from "./lib/geometry.ts";
import { parseHash } from "./lib/link.ts";
import { showNotice } from "./lib/notice.ts";
import { BrowserStorage } from "./lib/storage.ts";
import { startTheme } from "./lib/theme.ts";
import { createMap, paintBackground } from "./map/map.ts";
import { createDashboard } from "./panels/dashboard.ts";
import { createDetails } from "./panels/details.tsx";
import { createFilters } from "./panels/filters.ts";
import { createHeader } from "./panels/header.ts";
import { createIntro } from "./panels/intro.ts";
import { createImages } from "./panels/images.ts";
import { createList } from "./panels/list.ts";
import { connectLogin } from "./panels/login.ts";
import { createPlaces } from "./panels/places.tsx";
import { createRefused } from "./panels/refused.tsx";
import { createSettings } from "./panels/settings.ts";
import { createSideImages } from "./panels/side-images.ts";
import { connectChanges } from "./review/changes.ts";
import { connectComments } from "./review/comment.ts";
import { startDecisions } from "./review/decisions.ts";
import { connectDescribing } from "./review/describing.ts";
import { startDrafts } from "./review/drafts.ts";
import { connectKeyboard } from "./review/keyboard.ts";
import { keyBindings, restoreBindings } from "./review/keys.ts";
import { connectModes, restoreDrawing } from "./review/modes.ts";
import { connectPlaces, openPlace } from "./review/places.ts";
import { connectPrefetch } from "./review/prefetch.ts";
import { connectQueue, restartQueue, selectById } from "./review/queue.ts";
import { getJson, RequestError } from "./server/api.ts";
import type { Scene, ServerInfo } from "./server/types.ts";
import { DEFAULT_DISPLAY, state } from "./state.ts";

/** Shown where the database has no scene. */
const WORLD: Bounds = [-170, -60, 170, 75];

async function startPage(): Promise<void> {
  const [info, scenes] = await Promise.all([getJson<ServerInfo>("info"), getJson<Scene[]>("scenes")]);
  restoreSettings(info);
  const surveyStorage = new BrowserStorage(localStorage, info.survey);
  startDrafts(surveyStorage, info);
  state.serverInfo.value = info;
  createHeader();
  await createMap(scenes.length ? boundsOfAll(scenes.map(({ bounds }) => bounds)) : WORLD, (id) => {
    selectById(id).catch((error: Error) => showNotice(error.message, "bad"));
  });
  startTheme(paintBackground);
  state.scenes.value = scenes;
  createRefused();
  createDetails();
  createImages();
  createSideImages();
  createFilters(info);
  createList();
  connectQueue();
  createDashboard();
  createSettings();
  createPlaces();
  connectModes();
  connectKeyboard();
  connectComments();
  startDecisions(surveyStorage);
  connectChanges(info.mark);
  connectPrefetch();
  const place = parseHash(location.hash);
  connectDescribing();
  connectPlaces();
  if (!(await openPlace(place))) await restartQueue();
  await restoreDrawing();
  createIntro(new BrowserStorage(localStorage, "page"));
  document.body.dataset.ready = "yes";
}

/** Load the settings that the browser has stored for all surveys, and store each change. */
function restoreSettings(info: ServerInfo): void {
  const storage = new BrowserStorage(localStorage, "page");
  keyBindings.value = restoreBindings(storage.get("keys", {}));
  keyBindings.subscribe((bindings) => storage.set("keys", bindings));
  state.reviewer.value = info.tokens || info.blind ? info.person.name : storage.get("reviewer", info.person.name);
  state.reviewer.subscribe((name) => storage.set("reviewer", name));
  state.display.value = { ...DEFAULT_DISPLAY, ...storage.get("sight", {}) };
  state.display.subscribe((display) => storage.set("sight", display));
}

connectLogin();
startPage().catch((error: Error) => {
  const needsToken = error instanceof RequestError && error.status === 401; // which is asked for
  if (!needsToken) showNotice(`The page cannot start: ${error.message}`, "bad");
});
