// What a survey records of the current landslide: movement, material, trigger, and how sure the reviewer is.
import { effect, Signal } from "@preact/signals";
import { showNotice } from "../lib/notice.ts";
import { focusMap } from "../map/view.ts";
import type { AttributeName, Attributes } from "../server/types.ts";
import { state } from "../state.ts";
import { decide } from "./decisions.ts";

/** The names of the attributes on the page, in their order. */
export const ATTRIBUTE_LABELS: Record<AttributeName, string> = {
  movement_type: "Movement",
  material: "Material",
  trigger: "Trigger",
  confidence: "Confidence",
};
export const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTE_LABELS) as AttributeName[];

/** What was recorded last, to be taken over for the next landslide. */
export const lastDescription = new Signal<Attributes | null>(null);

/** Close the form when the reviewer goes to another landslide or begins something else: nothing is recorded then. */
export function connectDescribing(): void {
  let id: string | undefined;
  effect(() => {
    const currentId = state.current.value?.id;
    if (currentId !== id || state.mode.value !== "look") state.describing.value = false;
    id = currentId;
  });
}

/** Open the form for the current landslide. */
export function openDescription(): void {
  state.describing.value = true;
  document.body.dataset.drawer = "";
}

export function closeDescription(): void {
  state.describing.value = false;
  focusMap();
}

/** Record what has changed of the current landslide's attributes; its status stays. */
export function saveDescription(chosen: Attributes): void {
  const { value: landslide } = state.current;
  if (!landslide) return;
  const { properties } = landslide;
  const changed = ATTRIBUTE_NAMES.filter((name) => (chosen[name] ?? null) !== (properties[name] ?? null));
  closeDescription();
  if (!changed.length) return showNotice("Nothing has changed: nothing is recorded");
  lastDescription.value = chosen;
  decide("describe", landslide, {
    attributes: Object.fromEntries(changed.map((name) => [name, chosen[name] ?? null])),
  });
  const words = changed.map((name) => `${ATTRIBUTE_LABELS[name].toLowerCase()} ${chosen[name] ?? "unknown"}`);
  showNotice(`Recorded: ${words.join(", ")}`);
}
