// The panel of what is next: filters, order, and the list.
import { byId, el, blurActiveField } from "../lib/dom.ts";
import { formatArea, formatCount, formatName } from "../lib/format.ts";
import { boundsOf } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { STATUS_LABELS, displayStatusOf } from "../map/palette.ts";
import { select, refreshQueue, restartQueue, selectNeighbour } from "../review/queue.ts";
import { keyLabel } from "./settings.ts";
import { type Filters, NO_FILTERS, type QueueOrder, state } from "../state.ts";
import type { Landslide, ServerInfo } from "../server/types.ts";
import { getMap } from "../map/view.ts";

const ORDER_LABELS: Record<QueueOrder, string> = {
  near: "nearest first",
  uncertainty: "least certain first",
  size: "largest first",
  date: "latest first",
};
const MAX_ITEMS = 60;

export function createFilters(info: ServerInfo): void {
  let pointer = false;
  const form = byId<HTMLFormElement>("filters");
  form.addEventListener("pointerdown", () => {
    pointer = true;
  });
  form.addEventListener("keydown", () => {
    pointer = false;
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    if (pointer) blurActiveField(); // whoever chose with the pointer goes on with keys
  });
  const key = el("kbd", {});
  state.keyBindings.subscribe((bindings) => {
    key.textContent = keyLabel(bindings["in view"]);
  });
  form.replaceChildren(
    selectField("Order", ORDER_LABELS, state.order.value, (value) => {
      state.order.value = value as QueueOrder;
      void restartQueue();
    }),
    selectField(
      "Region",
      { "": "all regions", ...Object.fromEntries(info.regions.map((name) => [name, formatName(name)])) },
      state.filters.value.region,
      filterSetter("region"),
    ),
    el("label", { class: "check" }, onlyInViewCheckbox(), el("span", {}, "Only in view"), key),
    moreFilters(info),
  );
  state.onlyInView.subscribe((only) => {
    byId<HTMLInputElement>("in-view").checked = only;
  });
  createList();
}

function filterSetter(name: keyof Filters): (value: string) => void {
  return (value) => {
    state.filters.value = { ...state.filters.value, [name]: value.trim() };
    void restartQueue();
  };
}

function selectField(
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

function onlyInViewCheckbox(): HTMLInputElement {
  const check = el("input", { type: "checkbox", id: "in-view" });
  check.addEventListener("change", () => {
    state.onlyInView.value = check.checked;
  });
  return check;
}

/** Filters that are needed less often. */
function moreFilters(info: ServerInfo): HTMLElement {
  const { filters } = state;
  const field = (name: keyof Filters, label: string, hint: string, type = "text"): HTMLElement => {
    const input = el("input", {
      type,
      placeholder: hint,
      value: filters.value[name],
      "aria-label": label,
      maxlength: 2000,
    });
    input.addEventListener("change", () => filterSetter(name)(input.value));
    return el("label", {}, el("span", {}, label), input);
  };
  const first = el("input", {
    type: "date",
    "aria-label": "First day",
    value: filters.value.dates.split("/")[0] ?? "",
  });
  const last = el("input", { type: "date", "aria-label": "Last day", value: filters.value.dates.split("/")[1] ?? "" });
  const between = (): void => filterSetter("dates")(first.value || last.value ? `${first.value}/${last.value}` : "");
  first.addEventListener("change", between);
  last.addEventListener("change", between);
  const clear = (): void => {
    state.filters.value = NO_FILTERS;
    createFilters(info);
    void restartQueue();
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
        selectField(
          "Event",
          { "": "all events", ...Object.fromEntries(info.events.map((of) => [of, of])) },
          filters.value.event,
          filterSetter("event"),
        ),
      ),
    el(
      "label",
      {},
      el("span", {}, "On the map"),
      selectField("Status on the map", STATUS_CHOICES, filters.value.status, filterSetter("status")),
    ),
    field("where", "Where", "area_m2 > 1e4 and trigger = 'rainfall'"),
    el("button", { type: "button", click: clear }, "Clear filters"),
  );
}

const STATUS_CHOICES = { "": "everything", candidate: "candidates", confirmed: "confirmed", rejected: "rejected" };

function createList(): void {
  const list = byId("list");
  const draw = (): void => {
    const here = state.current.value?.id;
    const rows = state.queue.value.slice(0, MAX_ITEMS).map((feature) => listItem(feature, feature.id === here));
    list.replaceChildren(...(rows.length ? rows : [el("p", { class: "quiet" }, "Nothing waits here.")]));
    const chosen = list.querySelector('[aria-selected="true"]');
    list.setAttribute("aria-activedescendant", chosen?.id ?? "");
    chosen?.scrollIntoView({ block: "nearest" });
  };
  state.queue.subscribe(draw);
  state.current.subscribe(draw);
  list.onkeydown = (event) => {
    if (event.key === "ArrowDown") void selectNeighbour(1);
    else if (event.key === "ArrowUp") void selectNeighbour(-1);
    else return;
    event.preventDefault();
  };
}

function listItem(feature: Landslide, chosen: boolean): HTMLElement {
  const { id, properties: of } = feature;
  const kind = displayStatusOf(of);
  return el(
    "div",
    {
      role: "option",
      id: `item-${id}`,
      "aria-selected": chosen ? "true" : "false",
      class: "item",
      click: () => select(feature),
    },
    el("span", { class: `dot ${kind}`, title: STATUS_LABELS[kind] }),
    el("b", {}, formatArea(of.area_m2)),
    el("span", {}, of.date_max ?? ""),
    el("small", {}, formatName(of.region)),
  );
}

/** Follow what is next: the map goes there, but only as far as it must. */
export function connectQueue(): void {
  let last: string | undefined;
  state.current.subscribe((current) => {
    if (current && current.id !== last) moveIntoView(current);
    last = current?.id;
    if (!current || state.details.value?.feature.id !== current.id) state.details.value = null;
  });
  state.details.subscribe((story) => {
    const seen = story?.observations.at(-1)?.scene_id;
    const scene = state.scenes.value.find(({ id }) => id === seen);
    if (scene) state.scene.value = scene;
  });
  let begun = false;
  state.onlyInView.subscribe((only) => {
    if (begun) void restartQueue();
    begun = true;
    if (only) showNotice("The queue is what is in view");
  });
  getMap().on("moveend", (event) => {
    if (state.onlyInView.value && "originalEvent" in event && event.originalEvent) void refreshQueue();
  });
  state.progress.subscribe((progress) => {
    byId("progress-text").textContent = progress
      ? `${formatCount(progress.decided)} of ${formatCount(progress.total)} decided`
      : "";
    const bar = byId<HTMLProgressElement>("progress-bar");
    bar.max = Math.max(progress?.total ?? 1, 1);
    bar.value = progress?.decided ?? 0;
  });
}

/** Bring a landslide into view: by moving if it is near, at a scale at which it can be judged. */
function moveIntoView(feature: Landslide): void {
  const map = getMap();
  map.stop(); // where it was going is not where it is to go now
  const bounds = boundsOf(feature);
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
