// The dialog for a decision that the server refused because somebody else has changed the landslide.
//
// A shape that was drawn for the decision is not lost: unless it is sent again, it waits with the refused shapes.
import { byId, el } from "../lib/dom.ts";
import { formatArea } from "../lib/format.ts";
import type { Decision, Landslide } from "../server/types.ts";
import { keepRefused } from "./drafts.ts";
import { selectById } from "./queue.ts";

interface Conflict {
  decision: Decision;
  /** The decision's landslides as they are now. */
  landslides: Landslide[];
  decideAgain: (decision: Decision, landslides: Landslide[]) => void;
}

/** Conflicts to show after the one that is open. */
const waitingConflicts: Conflict[] = [];

/** Show a conflict, after those that are still open; `decideAgain` is called if the reviewer decides so. */
export function showConflict(decision: Decision, landslides: Landslide[], decideAgain: Conflict["decideAgain"]): void {
  waitingConflicts.push({ decision, landslides, decideAgain });
  if (!byId<HTMLDialogElement>("conflict").open) showNextConflict();
}

function showNextConflict(): void {
  const dialog = byId<HTMLDialogElement>("conflict");
  // By a button, or by Escape, which leaves the landslide as it is. Another conflict may have opened it again meanwhile.
  dialog.onclose = (): void => {
    if (!dialog.open) showNextConflict();
  };
  const conflict = waitingConflicts.shift();
  if (!conflict) return;
  const { decision, landslides } = conflict;
  dialog.oncancel = (): void => keepShapeOf(decision);
  dialog.replaceChildren(
    el("h2", {}, "Changed meanwhile"),
    el(
      "p",
      {},
      `Your decision (${decision.action}) was not made: somebody has changed the landslide since you saw it.`,
    ),
    el("table", {}, ...landslides.map(versionRow)),
    el("p", { class: "buttons" }, ...conflictButtons(dialog, conflict)),
  );
  dialog.showModal();
}

function versionRow({ properties }: Landslide): HTMLElement {
  const time = properties.changed_at.slice(0, 16).replace("T", " ");
  return el(
    "tr",
    {},
    el("td", {}, properties.status),
    el("td", {}, formatArea(properties.area_m2)),
    el("td", {}, `version ${properties.version}`),
    el("td", {}, `by ${properties.changed_by}, ${time}`),
    el("td", {}, properties.change_reason ?? ""),
  );
}

function conflictButtons(dialog: HTMLDialogElement, { decision, landslides, decideAgain }: Conflict): HTMLElement[] {
  const button = (label: string, act: () => void, cssClass?: string): HTMLElement => {
    const click = (): void => {
      dialog.close();
      act();
    };
    return el("button", { type: "button", class: cssClass, click }, label);
  };
  const [first] = landslides;
  const buttons = [
    button("Leave it as it is now", () => keepShapeOf(decision)),
    button("Look at it", () => {
      keepShapeOf(decision);
      if (first) void selectById(first.id);
    }),
  ];
  if (first) buttons.push(button(`Decide anew: ${decision.action}`, () => decideAgain(decision, landslides), "strong"));
  return buttons;
}

/** Keep the shape that was drawn for a decision, if there is one, so that the reviewer can send or drop it later. */
function keepShapeOf(decision: Decision): void {
  if (decision.geometry) keepRefused(decision, "somebody has changed the landslide since you saw it");
}
