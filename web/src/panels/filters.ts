// The form above the queue: its order, and the filters of queue, map, dashboard and export.
import { byId, el } from "../lib/dom.ts";
import { formatArea, formatCount, formatName } from "../lib/format.ts";
import { clearFilters, openQueue, restartQueue } from "../review/queue.ts";
import { REVIEWED_STATES } from "../map/palette.ts";
import type { ServerInfo } from "../server/types.ts";
import { type Filters, NO_FILTERS, QUEUE_NAMES, type QueueName, type QueueOrder, state } from "../state.ts";
import { keyHint, returnToKeysAfterPointer, selectField } from "./controls.ts";

const ORDER_LABELS: Record<QueueOrder, string> = {
  near: "nearest first",
  uncertainty: "least certain first",
  size: "largest first",
  date: "latest first",
};
const SIZES = [1000, 5000, 10_000]; // m²
const PIXEL_COUNTS = [2, 5, 10];
const MAX_LENGTH = 2000; // characters; what the server allows
/** How the server's message begins where the filter of this name is wrong. */
const WRONG_FIELD: Record<string, RegExp> = {
  where: /^(query\.where|condition)\b/,
  min_area: /^query\.min_area\b/,
};

/** Create the form; each change restarts the queue. */
export function createFilters(info: ServerInfo): void {
  const form = byId<HTMLFormElement>("filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  returnToKeysAfterPointer(form);
  const onlyInView = onlyInViewField();
  const errorLine = filterErrorLine(form);
  const render = (): void =>
    form.replaceChildren(
      queueField(),
      orderField(),
      regionField(info.regions),
      sizeField(),
      ...areasField(info.assigned),
      onlyInView,
      moreFilters(info),
      errorLine,
    );
  state.filters.subscribe((filters) => {
    if (filters === NO_FILTERS) render(); // they were cleared
  });
  if (!form.children.length) render();
}

/** Why the server refuses the filters, below them; the field that is wrong refers to it. */
function filterErrorLine(form: HTMLElement): HTMLElement {
  const line = el("p", { id: "filter-error", class: "bad", role: "alert", hidden: true });
  state.filterError.subscribe((error) => {
    line.textContent = error;
    line.hidden = !error;
    for (const field of form.querySelectorAll<HTMLInputElement>("input[name]")) {
      const isWrong = !!error && WRONG_FIELD[field.name]?.test(error);

      if (isWrong) {
        field.setAttribute("aria-invalid", "true");
        field.setAttribute("aria-describedby", line.id);
      } else {
        field.removeAttribute("aria-invalid");
        field.removeAttribute("aria-describedby");
      }
    }
  });
  return line;
}

function setFilter(name: keyof Filters, value: string): void {
  state.filters.value = { ...state.filters.value, [name]: value.trim() };
  void restartQueue();
}

/** The smallest landslides of the queue; of images with a known pixel size also as a number of pixels. */
function sizeField(): HTMLElement {
  const pixel = Math.max(0, ...state.scenes.value.map(({ gsd_m }) => gsd_m ?? 0)) ** 2;
  const labels = new Map(SIZES.map((size) => [size, `from ${formatArea(size)}`]));
  for (const count of pixel ? PIXEL_COUNTS : [])
    labels.set(Math.round(count * pixel), `from ${count} pixels, ${formatArea(count * pixel)}`);
  const sizes = [...labels.keys()].sort((a, b) => a - b);
  const field = el("select", { "aria-label": "Smallest size" }, el("option", { value: "" }, "all sizes"));
  for (const size of sizes) field.append(el("option", { value: size }, labels.get(size)));
  state.filters.subscribe(({ min_area }) => {
    const isOffered = [...field.options].some(({ value }) => value === min_area);
    if (!isOffered) field.append(el("option", { value: min_area }, `from ${formatArea(Number(min_area))}`));
    field.value = min_area;
  });
  field.addEventListener("change", () => {
    setFilter("min_area", field.value);
    const exact = byId("filters").querySelector<HTMLInputElement>("input[name=min_area]");
    if (exact) exact.value = field.value;
  });
  return field;
}

/** Which queue is walked, with the number of landslides in each; it follows the progress while the page lives. */
function queueField(): HTMLElement {
  const labels = Object.fromEntries(QUEUE_NAMES.map((name) => [name, name]));
  const field = selectField("Queue", labels, state.queueName.value, (value) => openQueue(value as QueueName));
  state.queueName.subscribe((name) => {
    field.value = name;
  });
  state.progress.subscribe((progress) => {
    for (const option of field.querySelectorAll("option")) {
      const name = option.value as QueueName;
      option.textContent = progress ? `${name}: ${formatCount(progress[name])}` : name;
      option.hidden = name === "disputed" && !progress?.disputed && !state.serverInfo.value?.blind?.adjudicates;
    }
  });
  return field;
}

const orderField = (): HTMLElement =>
  selectField("Order", ORDER_LABELS, state.order.value, (value) => {
    state.order.value = value as QueueOrder;
    void restartQueue();
  });

/** The options of a field that chooses one of several names, or all of them. */
const withAll = (all: string, names: string[], label = (name: string): string => name): Record<string, string> => ({
  "": all,
  ...Object.fromEntries(names.map((name) => [name, label(name)])),
});

const regionField = (regions: string[]): HTMLElement =>
  selectField("Region", withAll("all regions", regions, formatName), state.filters.value.region, (value) =>
    setFilter("region", value),
  );

/** Whose areas the queue holds, where areas are given to reviewers: one's own come first in the list. */
function areasField(assigned: string[]): HTMLElement[] {
  if (!assigned.length) return [];
  const own = state.reviewer.value;
  const others = assigned.filter((name) => name !== own);
  const names = withAll("all areas", assigned.includes(own) ? [own, ...others] : others, (name) =>
    name === own ? "mine" : `${name}'s areas`,
  );
  return [selectField("Areas", names, state.filters.value.assigned_to, (value) => setFilter("assigned_to", value))];
}

function onlyInViewField(): HTMLElement {
  const checkbox = el("input", { type: "checkbox", id: "in-view" });
  checkbox.addEventListener("change", () => {
    state.onlyInView.value = checkbox.checked;
  });
  state.onlyInView.subscribe((only) => {
    checkbox.checked = only;
  });
  return el("label", { class: "check" }, checkbox, el("span", {}, "Only in view"), keyHint("in view"));
}

/** Filters that are needed less often; they are open where one of them is set. */
function moreFilters({ events }: ServerInfo): HTMLElement {
  const { event, review_state, region, assigned_to } = state.filters.value;
  const isSet = Object.values(state.filters.value).some((value) => value && value !== region && value !== assigned_to);
  const eventField = selectField("Event", withAll("all events", events), event, (value) => setFilter("event", value));
  const stateField = selectField("On the map", withAll("everything", [...REVIEWED_STATES]), review_state, (value) =>
    setFilter("review_state", value),
  );
  return el(
    "details",
    { open: isSet },
    el("summary", {}, "More filters"),
    labelled("Days", daysFields()),
    textFilter("min_area", "Area from, m²", "1000", "number"),
    events.length > 0 && labelled("Event", eventField),
    labelled("On the map", stateField),
    textFilter("where", "Where", "area_m2 > 1e4 and trigger = 'rainfall'"),
    el("button", { type: "button", click: clearFilters }, "Clear filters"),
  );
}

const labelled = (label: string, field: HTMLElement): HTMLElement => el("label", {}, el("span", {}, label), field);

function textFilter(name: keyof Filters, label: string, placeholder: string, type = "text"): HTMLElement {
  const value = state.filters.value[name];
  const input = el("input", { name, type, placeholder, value, "aria-label": label, maxlength: MAX_LENGTH });
  input.addEventListener("change", () => setFilter(name, input.value));
  return labelled(label, input);
}

/** The first and the last day, which are one filter: FIRST/LAST. */
function daysFields(): HTMLElement {
  const [firstDay = "", lastDay = ""] = state.filters.value.dates.split("/");
  const first = el("input", { type: "date", "aria-label": "First day", value: firstDay });
  const last = el("input", { type: "date", "aria-label": "Last day", value: lastDay });
  const change = (): void => setFilter("dates", first.value || last.value ? `${first.value}/${last.value}` : "");
  first.addEventListener("change", change);
  last.addEventListener("change", change);
  return el("span", { class: "pair" }, first, last);
}
