// Every key shown, and any of them changed; who decides.
import { by, el } from "../lib/dom.ts";
import { COMMANDS, DEFAULTS, keyOf, type Name, rebind } from "../review/keys.ts";
import { say } from "../lib/notice.ts";
import { state } from "../state.ts";
import { theme } from "../lib/theme.ts";

const GROUPS = ["Decide", "Go", "Page", "See"] as const;
const FIXED: [string, string][] = [
  ["← ↑ → ↓", "Move the map"],
  ["Enter", "Keep what is drawn or chosen"],
  ["Esc", "Leave a mode, a field, the dashboard"],
  ["Space", "Set a corner at the cross"],
];

export function openSettings(): void {
  draw();
  by<HTMLDialogElement>("settings").showModal();
}

function draw(): void {
  const dialog = by<HTMLDialogElement>("settings");
  const columns = GROUPS.map((group) =>
    el(
      "section",
      {},
      el("h3", {}, group),
      ...COMMANDS.filter((command) => command.group === group).map(({ name, what }) => row(name, what)),
    ),
  );
  const fixed = FIXED.map(([key, what]) => el("div", { class: "key-row" }, el("span", {}, what), el("kbd", {}, key)));
  columns[2]?.append(el("h3", {}, "Fixed"), ...fixed);
  dialog.replaceChildren(
    el("h2", {}, "Keys and settings"),
    el(
      "p",
      { class: "quiet" },
      "Choose a key to change it, then press the new one. Keys are dead while you type in a field.",
    ),
    el("div", { id: "key-columns" }, ...columns),
    el("p", { class: "buttons" }, ...people(), themes(), reset(), close()),
  );
}

function row(name: Name, what: string): HTMLElement {
  const button = el(
    "button",
    { type: "button", class: "key", "aria-label": `Key for ${what}` },
    show(state.bindings.value[name]),
  );
  button.addEventListener("click", () => {
    button.textContent = "press…";
    button.classList.add("asking");
  });
  button.addEventListener("blur", restore);
  button.addEventListener("keydown", (event) => {
    if (!button.classList.contains("asking")) return;
    event.preventDefault();
    event.stopPropagation();
    const changed = event.key === "Escape" ? state.bindings.value : rebind(state.bindings.value, name, keyOf(event));
    if (changed) state.bindings.value = changed;
    else say(`${show(event.key)} is taken by the browser or by modes; choose another`, "bad");
    draw();
    const label = `[aria-label="Key for ${what}"]`;
    by("settings").querySelector<HTMLElement>(label)?.focus();
  });
  function restore(): void {
    button.textContent = show(state.bindings.value[name]);
    button.classList.remove("asking");
  }
  return el("div", { class: "key-row" }, el("span", {}, what), button);
}

function people(): HTMLElement[] {
  const info = state.info.value;
  if (info?.tokens) return [el("span", {}, `You are ${info.person.name} (${info.person.role})`)];
  const field = el("input", { type: "text", id: "reviewer", maxlength: 100, value: state.reviewer.value });
  field.addEventListener("change", () => {
    state.reviewer.value = field.value.trim() || info?.person.name || "";
  });
  return [el("label", { for: "reviewer" }, "Who decides"), field];
}

function themes(): HTMLElement {
  const choice = el("select", { "aria-label": "Light or dark" });
  for (const value of ["auto", "light", "dark"] as const)
    choice.append(
      el("option", { value, selected: theme.value === value }, value === "auto" ? "as the machine" : value),
    );
  choice.addEventListener("change", () => {
    theme.value = choice.value as "auto" | "light" | "dark";
  });
  return choice;
}

function reset(): HTMLElement {
  const back = (): void => {
    state.bindings.value = DEFAULTS;
    draw();
  };
  return el("button", { type: "button", click: back }, "Keys as they were");
}

const close = (): HTMLElement =>
  el(
    "button",
    { type: "button", class: "strong", click: () => by<HTMLDialogElement>("settings").close() },
    "Close (Esc)",
  );

/** A key as it is printed. */
export const show = (key: string): string => (key.length === 1 ? key.toUpperCase() : key);
