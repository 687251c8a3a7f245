// The first steps, in one screen: shown when the page is opened for the first time, and again from the keys.
import { byId, el } from "../lib/dom.ts";
import type { BrowserStorage } from "../lib/storage.ts";
import { isAllowed } from "../review/commands.ts";
import { type CommandName, keyBindings, keyLabel } from "../review/keys.ts";
import { mayDecide, state } from "../state.ts";

const STORAGE_KEY = "introduced";

/** Keys to begin with: what each does, in a reviewer's words. */
const DECISIONS: [CommandName[], string][] = [
  [["accept", "reject"], "It is a landslide, or it is not"],
  [["unsure", "bad imagery"], "Leave it to others, or to better images"],
  [["outline", "edit"], "Outline one by a click, or move the corners"],
  [["draw"], "Draw one that was missed"],
  [["undo"], "Take back what you have done last, as often as you like"],
];
const LOOKS: [CommandName[], string][] = [
  [["flip"], "Before or after; the line on the map shows both"],
  [["next", "previous"], "Go on without deciding, or back"],
  [["keys"], "All keys, and this page again"],
];

/** Show the first steps to who has not closed them yet; `state.introOpen` shows them again. */
export function createIntro(storage: BrowserStorage): void {
  const dialog = byId<HTMLDialogElement>("intro");
  // The browser tells "close" a moment later, and not at all to a page that is reloaded at once after Escape.
  for (const event of ["cancel", "close"]) dialog.addEventListener(event, () => storage.set(STORAGE_KEY, true));
  dialog.addEventListener("close", () => {
    state.introOpen.value = dialog.open;
  });
  state.introOpen.subscribe((open) => {
    if (!open) return;
    renderIntro(dialog);
    dialog.showModal();
  });
  if (!storage.get(STORAGE_KEY, false)) state.introOpen.value = true;
}

function renderIntro(dialog: HTMLDialogElement): void {
  const decisions = DECISIONS.filter(([names]) => names.every(isAllowed));
  const steps = [...(mayDecide() ? decisions : []), ...LOOKS];
  dialog.replaceChildren(
    el("h2", {}, "First steps"),
    el(
      "p",
      {},
      mayDecide()
        ? "The map shows one landslide after the other, before and after the event. Decide on each; every decision is saved at once and carries your name."
        : "The map shows one landslide after the other, before and after the event. You look: deciding is not open to you here.",
    ),
    ...blindReview(),
    el("dl", { class: "steps" }, ...steps.flatMap(([names, what]) => [keysOf(names), el("dd", {}, what)])),
    el("p", { class: "quiet" }, "Every key is a button as well, for the pointer and for fingers."),
    el(
      "p",
      { class: "buttons" },
      el("button", { type: "button", class: "strong", autofocus: true, click: () => dialog.close() }, "Begin"),
    ),
  );
}

/** What is different in a blind review; nothing in an open one. */
function blindReview(): HTMLElement[] {
  const blind = state.serverInfo.value?.blind;
  if (!blind) return [];
  const settle = blind.adjudicates ? "you, unless you have judged it" : "an adjudicator";
  const text =
    `The review is blind: ${blind.judges} people judge each landslide, and none sees what the others said before judging. ` +
    `Where they agree it is settled; where two differ, ${settle} decides.`;
  return [el("p", { class: "blind" }, text)];
}

const keysOf = (names: CommandName[]): HTMLElement =>
  el("dt", {}, ...names.map((name) => el("kbd", {}, keyLabel(keyBindings.value[name]))));
