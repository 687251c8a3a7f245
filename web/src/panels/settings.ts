// Every key shown, and any of them changed; who decides.
import { byId, el } from "../lib/dom.ts";
import { COMMANDS, DEFAULT_BINDINGS, keyName, type CommandName, rebind } from "../review/keys.ts";
import { showNotice } from "../lib/notice.ts";
import { state } from "../state.ts";
import { theme } from "../lib/theme.ts";

const GROUPS = ["Decide", "Go", "Page", "See"] as const;
const FIXED_KEYS: [string, string][] = [
  ["← ↑ → ↓", "Move the map"],
  ["Enter", "Keep what is drawn or chosen"],
  ["Esc", "Leave a mode, a field, the dashboard"],
  ["Space", "Set a corner at the cross"],
];

export function openSettings(): void {
  renderSettings();
  byId<HTMLDialogElement>("settings").showModal();
}

function renderSettings(): void {
  const dialog = byId<HTMLDialogElement>("settings");
  const columns = GROUPS.map((group) =>
    el(
      "section",
      {},
      el("h3", {}, group),
      ...COMMANDS.filter((command) => command.group === group).map(({ name, what }) => keyRow(name, what)),
    ),
  );
  const fixed = FIXED_KEYS.map(([key, what]) =>
    el("div", { class: "key-row" }, el("span", {}, what), el("kbd", {}, key)),
  );
  columns[2]?.append(el("h3", {}, "Fixed"), ...fixed);
  dialog.replaceChildren(
    el("h2", {}, "Keys and settings"),
    el(
      "p",
      { class: "quiet" },
      "Choose a key to change it, then press the new one. Keys are dead while you type in a field.",
    ),
    el("div", { id: "key-columns" }, ...columns),
    el("p", { class: "buttons" }, ...reviewerField(), themeField(), resetButton(), closeButton()),
  );
}

function keyRow(name: CommandName, what: string): HTMLElement {
  const button = el(
    "button",
    { type: "button", class: "key", "aria-label": `Key for ${what}` },
    keyLabel(state.keyBindings.value[name]),
  );
  button.addEventListener("click", () => {
    button.textContent = "press…";
    button.classList.add("asking");
  });
  button.addEventListener("blur", showKey);
  button.addEventListener("keydown", (event) => {
    if (!button.classList.contains("asking")) return;
    event.preventDefault();
    event.stopPropagation();
    const changed =
      event.key === "Escape" ? state.keyBindings.value : rebind(state.keyBindings.value, name, keyName(event));
    if (changed) state.keyBindings.value = changed;
    else showNotice(`${keyLabel(event.key)} is taken by the browser or by modes; choose another`, "bad");
    renderSettings();
    const label = `[aria-label="Key for ${what}"]`;
    byId("settings").querySelector<HTMLElement>(label)?.focus();
  });
  function showKey(): void {
    button.textContent = keyLabel(state.keyBindings.value[name]);
    button.classList.remove("asking");
  }
  return el("div", { class: "key-row" }, el("span", {}, what), button);
}

function reviewerField(): HTMLElement[] {
  const info = state.serverInfo.value;
  if (info?.tokens) return [el("span", {}, `You are ${info.person.name} (${info.person.role})`)];
  const field = el("input", { type: "text", id: "reviewer", maxlength: 100, value: state.reviewer.value });
  field.addEventListener("change", () => {
    state.reviewer.value = field.value.trim() || info?.person.name || "";
  });
  return [el("label", { for: "reviewer" }, "Who decides"), field];
}

function themeField(): HTMLElement {
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

function resetButton(): HTMLElement {
  const back = (): void => {
    state.keyBindings.value = DEFAULT_BINDINGS;
    renderSettings();
  };
  return el("button", { type: "button", click: back }, "Keys as they were");
}

const closeButton = (): HTMLElement =>
  el(
    "button",
    { type: "button", class: "strong", click: () => byId<HTMLDialogElement>("settings").close() },
    "Close (Esc)",
  );

/** A key as it is printed. */
export const keyLabel = (key: string): string => (key.length === 1 ? key.toUpperCase() : key);
