// The panel of what is next: filters, order, and the list.
import { by, el, leaveField } from "../lib/dom.ts";
import { area, count, named } from "../lib/format.ts";
import { box } from "../lib/geometry.ts";
import { say } from "../lib/notice.ts";
import { KINDS, kindOf } from "../map/palette.ts";
import { go, renew, restart, step } from "../review/queue.ts";
import { show } from "./settings.ts";
import { type Filters, NO_FILTERS, type Order, state } from "../state.ts";
import type { Feature, Info } from "../server/types.ts";
import { mapView } from "../map/view.ts";

const ORDERS: Record<Order, string> = {
  near: "nearest first",
  uncertainty: "least certain first",
  size: "largest first",
  date: "latest first",
};
const SHOWN = 60;

export function makeQueue(info: Info): void {
  let pointer = false;
  const form = by<HTMLFormElement>("filters");
  form.addEventListener("pointerdown", () => {
    pointer = true;
  });
  form.addEventListener("keydown", () => {
    pointer = false;
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    if (pointer) leaveField(); // whoever chose with the pointer goes on with keys
  });
  const key = el("kbd", {});
  state.bindings.watch((bindings) => {
    key.textContent = show(bindings["in view"]);
  });
  form.replaceChildren(
    choice("Order", ORDERS, state.order.value, (value) => {
      state.order.value = value as Order;
      void restart();
    }),
    choice(
      "Region",
      { "": "all regions", ...Object.fromEntries(info.regions.map((name) => [name, named(name)])) },
      state.filters.value.region,
      filter("region"),
    ),
    el("label", { class: "check" }, inView(), el("span", {}, "Only in view"), key),
    more(info),
  );
  state.inView.watch((only) => {
    by<HTMLInputElement>("in-view").checked = only;
  });
  makeList();
}

function filter(name: keyof Filters): (value: string) => void {
  return (value) => {
    state.filters.value = { ...state.filters.value, [name]: value.trim() };
    void restart();
  };
}

function choice(
  label: string,
  options: Record<string, string>,
  chosen: string,
  take: (value: string) => void,
): HTMLElement {
  const select = el("select", { "aria-label": label });
  for (const [value, text] of Object.entries(options))
    select.append(el("option", { value, selected: value === chosen }, text));
  select.addEventListener("change", () => take(select.value));
  return select;
}

function inView(): HTMLInputElement {
  const check = el("input", { type: "checkbox", id: "in-view" });
  check.addEventListener("change", () => {
    state.inView.value = check.checked;
  });
  return check;
}

/** Filters that are needed less often. */
function more(info: Info): HTMLElement {
  const { filters } = state;
  const field = (name: keyof Filters, label: string, hint: string, type = "text"): HTMLElement => {
    const input = el("input", {
      type,
      placeholder: hint,
      value: filters.value[name],
      "aria-label": label,
      maxlength: 2000,
    });
    input.addEventListener("change", () => filter(name)(input.value));
    return el("label", {}, el("span", {}, label), input);
  };
  const first = el("input", {
    type: "date",
    "aria-label": "First day",
    value: filters.value.dates.split("/")[0] ?? "",
  });
  const last = el("input", { type: "date", "aria-label": "Last day", value: filters.value.dates.split("/")[1] ?? "" });
  const between = (): void => filter("dates")(first.value || last.value ? `${first.value}/${last.value}` : "");
  first.addEventListener("change", between);
  last.addEventListener("change", between);
  const clear = (): void => {
    state.filters.value = NO_FILTERS;
    makeQueue(info);
    void restart();
  };
  return el(
    "details",
    { open: Object.values(filters.value).some((value) => value && value !== filters.value.region) },
    el("summary", {}, "More filters"),
    el("label", {}, el("span", {}, "Days"), el("span", { class: "pair" }, first, last)),
    field("min_area", "Area from, m²", "1000", "number"),
    info.events.length > 0 &&
      el(
        "label",
        {},
        el("span", {}, "Event"),
        choice(
          "Event",
          { "": "all events", ...Object.fromEntries(info.events.map((of) => [of, of])) },
          filters.value.event,
          filter("event"),
        ),
      ),
    el(
      "label",
      {},
      el("span", {}, "On the map"),
      choice("Status on the map", STATUSES, filters.value.status, filter("status")),
    ),
    field("where", "Where", "area_m2 > 1e4 and trigger = 'rainfall'"),
    el("button", { type: "button", click: clear }, "Clear filters"),
  );
}

const STATUSES = { "": "everything", candidate: "candidates", confirmed: "confirmed", rejected: "rejected" };

function makeList(): void {
  const list = by("list");
  const draw = (): void => {
    const here = state.current.value?.id;
    const rows = state.queue.value.slice(0, SHOWN).map((feature) => item(feature, feature.id === here));
    list.replaceChildren(...(rows.length ? rows : [el("p", { class: "quiet" }, "Nothing waits here.")]));
    const chosen = list.querySelector('[aria-selected="true"]');
    list.setAttribute("aria-activedescendant", chosen?.id ?? "");
    chosen?.scrollIntoView({ block: "nearest" });
  };
  state.queue.watch(draw);
  state.current.watch(draw);
  list.onkeydown = (event) => {
    if (event.key === "ArrowDown") void step(1);
    else if (event.key === "ArrowUp") void step(-1);
    else return;
    event.preventDefault();
  };
}

function item(feature: Feature, chosen: boolean): HTMLElement {
  const { id, properties: of } = feature;
  const kind = kindOf(of);
  return el(
    "div",
    {
      role: "option",
      id: `item-${id}`,
      "aria-selected": chosen ? "true" : "false",
      class: "item",
      click: () => go(feature),
    },
    el("span", { class: `dot ${kind}`, title: KINDS[kind] }),
    el("b", {}, area(of.area_m2)),
    el("span", {}, of.date_max ?? ""),
    el("small", {}, named(of.region)),
  );
}

/** Follow what is next: the map goes there, but only as far as it must. */
export function followQueue(): void {
  let last: string | undefined;
  state.current.watch((current) => {
    if (current && current.id !== last) reach(current);
    last = current?.id;
    if (!current || state.story.value?.feature.id !== current.id) state.story.value = null;
  });
  state.story.watch((story) => {
    const seen = story?.observations.at(-1)?.scene_id;
    const scene = state.scenes.value.find(({ id }) => id === seen);
    if (scene) state.scene.value = scene;
  });
  let begun = false;
  state.inView.watch((only) => {
    if (begun) void restart();
    begun = true;
    if (only) say("The queue is what is in view");
  });
  mapView().on("moveend", (event) => {
    if (state.inView.value && "originalEvent" in event && event.originalEvent) void renew();
  });
  state.progress.watch((progress) => {
    by("progress-text").textContent = progress ? `${count(progress.decided)} of ${count(progress.total)} decided` : "";
    const bar = by<HTMLProgressElement>("progress-bar");
    bar.max = Math.max(progress?.total ?? 1, 1);
    bar.value = progress?.decided ?? 0;
  });
}

/** Bring a landslide into view: by moving if it is near, at a scale at which it can be judged. */
function reach(feature: Feature): void {
  const map = mapView();
  map.stop(); // where it was going is not where it is to go now
  const bounds = box(feature);
  const camera = map.cameraForBounds(bounds, { padding: 190, maxZoom: 16 });
  if (!camera?.center) return;
  const [west, south, east, north] = bounds;
  const view = map.getBounds();
  const inside = view.contains([west, south]) && view.contains([east, north]);
  const zoom = Number(camera.zoom);
  const fits = map.getZoom() <= zoom + 0.5 && map.getZoom() >= zoom - 2;
  if (inside && fits) {
    const { x, y } = map.project(camera.center);
    const { clientWidth, clientHeight } = map.getCanvas();
    const middle = Math.abs(x / clientWidth - 0.5) < 0.3 && Math.abs(y / clientHeight - 0.5) < 0.3;
    if (middle) return;
  }
  map.easeTo({ center: camera.center, zoom: fits ? map.getZoom() : zoom - 0.5, duration: 250 });
}
