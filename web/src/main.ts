// The page put together.

import { connectKeyboard } from "./review/commands.ts";
import { getJson } from "./server/api.ts";
import { connectDashboard } from "./panels/dashboard.ts";
import { startDecisions } from "./review/decisions.ts";
import { boundsOfAll } from "./lib/geometry.ts";
import { makeHeader } from "./panels/header.ts";
import { restoreBindings } from "./review/keys.ts";
import { openLogin } from "./panels/login.ts";
import { createMap, paintBackground } from "./map/map.ts";
import { connectQueue, createFilters } from "./panels/filters.ts";
import { showNotice } from "./lib/notice.ts";
import { restartQueue } from "./review/queue.ts";
import { RequestError } from "./server/errors.ts";
import { BrowserStorage } from "./lib/storage.ts";
import { createDetails } from "./panels/details.ts";
import { DEFAULT_DISPLAY, state } from "./state.ts";
import { startTheme } from "./lib/theme.ts";
import type { ServerInfo, Scene } from "./server/types.ts";

const WORLD: [number, number, number, number] = [-170, -60, 170, 75];
const LAST_TOKEN = "tsmu.token";

async function startPage(): Promise<void> {
  const [info, scenes] = await Promise.all([getJson<ServerInfo>("info"), getJson<Scene[]>("scenes")]);
  const page = new BrowserStorage(localStorage, "page");
  const survey = new BrowserStorage(localStorage, info.survey);
  state.keyBindings.value = restoreBindings(page.get("keys", {}));
  state.keyBindings.subscribe((bindings) => page.set("keys", bindings));
  state.reviewer.value = info.tokens ? info.person.name : page.get("reviewer", info.person.name);
  state.reviewer.subscribe((name) => page.set("reviewer", name));
  state.display.value = { ...DEFAULT_DISPLAY, ...page.get("sight", {}) };
  state.display.subscribe((sight) => page.set("sight", sight));
  state.serverInfo.value = info;
  makeHeader();
  await createMap(scenes.length ? boundsOfAll(scenes.map(({ bounds }) => bounds)) : WORLD);
  startTheme(paintBackground);
  state.scenes.value = scenes;
  createDetails();
  createFilters(info);
  connectQueue();
  connectDashboard();
  connectKeyboard();
  startDecisions(survey);
  await restartQueue();
  document.body.dataset.ready = "yes";
}

startPage().catch((error: Error) => {
  if (error instanceof RequestError && error.status === 401)
    openLogin(sessionStorage.getItem(LAST_TOKEN) ? error.message : "");
  else showNotice(`The page cannot begin: ${error.message}`, "bad");
});
