// Somebody else was quicker: what the record is now, and whether to decide on it anew.
import { by, el } from "../lib/dom.ts";
import { area } from "../lib/format.ts";
import { goTo } from "./queue.ts";
import type { Decision, Feature } from "../server/types.ts";

type Again = (decision: Decision, present: Feature[]) => void;

const waiting: [Decision, Feature[], Again][] = [];

export function showConflict(decision: Decision, present: Feature[], again: Again): void {
  waiting.push([decision, present, again]);
  if (!by<HTMLDialogElement>("conflict").open) next();
}

function next(): void {
  const dialog = by<HTMLDialogElement>("conflict");
  const first = waiting.shift();
  if (!first) return dialog.close();
  const [decision, present, again] = first;
  const close = (and?: () => void) => () => {
    dialog.close();
    and?.();
    next();
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
          el("td", {}, area(now.area_m2)),
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
      el("button", { type: "button", click: close(() => void (of && goTo(of.id))) }, "Look at it"),
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
