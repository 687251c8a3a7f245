// Somebody else was quicker: what the record is now, and whether to decide on it anew.
import { byId, el } from "../lib/dom.ts";
import { formatArea } from "../lib/format.ts";
import { selectById } from "./queue.ts";
import type { Decision, Landslide } from "../server/types.ts";

type DecideAgain = (decision: Decision, present: Landslide[]) => void;

const openConflicts: [Decision, Landslide[], DecideAgain][] = [];

export function showConflict(decision: Decision, present: Landslide[], again: DecideAgain): void {
  openConflicts.push([decision, present, again]);
  if (!byId<HTMLDialogElement>("conflict").open) showNextConflict();
}

function showNextConflict(): void {
  const dialog = byId<HTMLDialogElement>("conflict");
  const first = openConflicts.shift();
  if (!first) return dialog.close();
  const [decision, present, again] = first;
  const close = (and?: () => void) => () => {
    dialog.close();
    and?.();
    showNextConflict();
  };
  const of = present[0];
  dialog.replaceChildren(
    el("h2", {}, "Changed meanwhile"),
    el(
      "p",
      {},
      `Your decision (${decision.action}) was not made: somebody has changed the landslide since you saw it.`,
    ),
    el(
      "table",
      {},
      ...present.map(({ properties: now }) =>
        el(
          "tr",
          {},
          el("td", {}, now.status),
          el("td", {}, formatArea(now.area_m2)),
          el("td", {}, `version ${now.version}`),
          el("td", {}, `by ${now.changed_by}, ${now.changed_at.slice(0, 16).replace("T", " ")}`),
          el("td", {}, now.change_reason ?? ""),
        ),
      ),
    ),
    el(
      "p",
      { class: "buttons" },
      el("button", { type: "button", click: close() }, "Leave it as it is now"),
      el("button", { type: "button", click: close(() => void (of && selectById(of.id))) }, "Look at it"),
      present.length > 0 &&
        el(
          "button",
          { type: "button", class: "strong", click: close(() => again(decision, present)) },
          `Decide anew: ${decision.action}`,
        ),
    ),
  );
  dialog.showModal();
}
