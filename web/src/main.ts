// The page put together.

import { followKeys } from "./review/commands.ts";
import { get } from "./server/api.ts";
import { followDashboard } from "./panels/dashboard.ts";
import { openDesk } from "./review/decisions.ts";
import { around } from "./lib/geometry.ts";
import { makeHeader } from "./panels/header.ts";
import { readBindings } from "./review/keys.ts";
import { openLogin } from "./panels/login.ts";
import { makeMap, paintGround } from "./map/map.ts";
import { followQueue, makeQueue } from "./panels/filters.ts";
import { say } from "./lib/notice.ts";
import { restart } from "./review/queue.ts";
import { Refusal } from "./server/errors.ts";
import { Shelf } from "./lib/storage.ts";
import { makeSide } from "./panels/details.ts";
import { PLAIN_SIGHT, state } from "./state.ts";
import { followTheme } from "./lib/theme.ts";
import type { Info, Scene } from "./server/types.ts";

const WORLD: [number, number, number, number] = [-170, -60, 170, 75];
const LAST_TOKEN = "tsmu.token";

async function begin(): Promise<void> {
  const [info, scenes] = await Promise.all([get<Info>("info"), get<Scene[]>("scenes")]);
  const page = new Shelf(localStorage, "page");
  const survey = new Shelf(localStorage, info.survey);
  state.bindings.value = readBindings(page.get("keys", {}));
  state.bindings.watch((bindings) => page.set("keys", bindings));
  state.reviewer.value = info.tokens ? info.person.name : page.get("reviewer", info.person.name);
  state.reviewer.watch((name) => page.set("reviewer", name));
  state.sight.value = { ...PLAIN_SIGHT, ...page.get("sight", {}) };
  state.sight.watch((sight) => page.set("sight", sight));
  state.info.value = info;
  makeHeader();
  await makeMap(scenes.length ? around(scenes.map(({ bounds }) => bounds)) : WORLD);
  followTheme(paintGround);
  state.scenes.value = scenes;
  makeSide();
  makeQueue(info);
  followQueue();
  followDashboard();
  followKeys();
  openDesk(survey);
  await restart();
  document.body.dataset.ready = "yes";
}

begin().catch((error: Error) => {
  if (error instanceof Refusal && error.status === 401)
    openLogin(sessionStorage.getItem(LAST_TOKEN) ? error.message : "");
  else say(`The page cannot begin: ${error.message}`, "bad");
});
