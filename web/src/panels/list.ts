// The list of the landslides that are next in the queue.
import { byId, el } from "../lib/dom.ts";
import { formatArea, formatName } from "../lib/format.ts";
import { stateClass } from "../map/palette.ts";
import { select, selectInList } from "../review/queue.ts";
import type { Landslide } from "../server/types.ts";
import { type QueueName, state } from "../state.ts";

const MAX_ITEMS = 60;
const EMPTY: Record<QueueName, string> = {
  open: "No landslide waits for a decision.",
  unsure: "Nobody is unsure of a landslide.",
  "bad imagery": "No landslide waits for better images.",
  disputed: "People differ on no landslide that you can settle.",
};

/** Create the list; it follows the queue and the current landslide, and the arrow keys go through it. */
export function createList(): void {
  const list = byId("list");
  const empty = byId("list-empty");
  const render = (): void => {
    const currentId = state.current.value?.id;
    const items = state.queue.value.slice(0, MAX_ITEMS).map((landslide) => listItem(landslide, currentId));
    list.replaceChildren(...items);
    list.hidden = !items.length;
    empty.hidden = !!items.length;
    empty.textContent = emptyText();
    const selected = list.querySelector('[aria-selected="true"]');
    list.setAttribute("aria-activedescendant", selected?.id ?? "");
    selected?.scrollIntoView({ block: "nearest" });
  };
  state.queue.subscribe(render);
  state.current.subscribe(render);
  state.filterError.subscribe(render);
  list.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") selectInList(1);
    else if (event.key === "ArrowUp") selectInList(-1);
    else return;
    event.preventDefault();
  });
}

const emptyText = (): string =>
  state.filterError.value ? "The filters are not understood: see above." : EMPTY[state.queueName.value];

function listItem(landslide: Landslide, currentId: string | undefined): HTMLElement {
  const { id, properties } = landslide;
  return el(
    "div",
    {
      role: "option",
      id: `item-${id}`,
      "aria-selected": id === currentId ? "true" : "false",
      class: "item",
      click: () => select(landslide),
    },
    el("span", { class: `dot ${stateClass(properties.review_state)}`, title: properties.review_state }),
    el("b", {}, formatArea(properties.area_m2)),
    el("span", {}, properties.date_max ?? ""),
    el("small", {}, formatName(properties.region)),
  );
}
