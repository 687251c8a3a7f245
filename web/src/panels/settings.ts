// The dialog of keys and settings: every key is shown and can be changed; who decides; the theme.
import { byId, el } from "../lib/dom.ts";
import { showNotice } from "../lib/notice.ts";
import { type Theme, theme } from "../lib/theme.ts";
import {
  type CommandName,
  COMMANDS,
  DEFAULT_BINDINGS,
  keyBindings,
  keyLabel,
  keyName,
  rebind,
} from "../review/keys.ts";
import { state } from "../state.ts";
import { selectField } from "./controls.ts";

const GROUPS = ["Decide", "Go", "Page", "See"] as const;
const GROUP_WITH_FIXED_KEYS = "Page";
/** Keys that cannot be changed. */
const FIXED_KEYS: [string, string][] = [
  ["← ↑ → ↓", "Move the map"],
  ["Enter", "Keep what is drawn or chosen"],
  ["Esc", "Leave a mode, a field, the dashboard"],
  ["Space", "Set a corner at the cross"],
];
const THEME_LABELS: Record<Theme, string> = { auto: "as the system", light: "light", dark: "dark" };

/** Open the dialog whenever `state.settingsOpen` is set; closing the dialog resets it. */
export function createSettings(): void {
  const dialog = byId<HTMLDialogElement>("settings");
  dialog.addEventListener("close", () => {
    state.settingsOpen.value = dialog.open; // as in the dashboard
  });
  state.settingsOpen.subscribe((open) => {
    if (!open) return;
    renderSettings();
    dialog.showModal();
  });
}

function renderSettings(): void {
  byId("settings").replaceChildren(
    el("h2", {}, "Keys and settings"),
    el(
      "p",
      { class: "quiet" },
      "Choose a key to change it, then press the new one. Keys are dead while you type in a field.",
    ),
    el("div", { id: "key-columns" }, ...GROUPS.map(keyGroup)),
    el("p", { class: "buttons" }, ...reviewerField(), themeField(), introButton(), resetButton(), closeButton()),
  );
}

function keyGroup(group: (typeof GROUPS)[number]): HTMLElement {
  const rows = COMMANDS.filter((command) => command.group === group).map(({ name, label }) => keyRow(name, label));
  const section = el("section", {}, el("h3", {}, group), ...rows);
  if (group === GROUP_WITH_FIXED_KEYS)
    section.append(
      el("h3", {}, "Fixed"),
      ...FIXED_KEYS.map(([key, what]) => el("div", { class: "key-row" }, el("span", {}, what), el("kbd", {}, key))),
    );
  return section;
}

/** A command with its key on a button; after a click on the button the next key that is pressed replaces it. */
function keyRow(name: CommandName, label: string): HTMLElement {
  const button = el("button", { type: "button", class: "key", "data-command": name });
  const write = (text: string): void => {
    button.textContent = text;
    button.setAttribute("aria-label", `Key for ${label}: ${text}`); // with what is seen, for those who speak to the page
  };
  const showKey = (): void => {
    write(keyLabel(keyBindings.value[name]));
    button.classList.remove("asking");
  };
  showKey();
  button.addEventListener("click", () => {
    write("press…");
    button.classList.add("asking");
  });
  button.addEventListener("blur", showKey);
  button.addEventListener("keydown", (event) => {
    if (!button.classList.contains("asking")) return;
    event.preventDefault();
    event.stopPropagation();
    const refused = event.key !== "Escape" && !changeKey(name, event);
    renderSettings();
    byId("settings").querySelector<HTMLElement>(`[data-command="${name}"]`)?.focus();
    if (refused) showNotice(`${keyLabel(event.key)} is used by the browser or by a mode; choose another key`, "bad");
  });
  return el("div", { class: "key-row" }, el("span", {}, label), button);
}

/** Give a command another key; returns false where no command can have it. */
function changeKey(name: CommandName, event: KeyboardEvent): boolean {
  const bindings = rebind(keyBindings.value, name, keyName(event));
  if (bindings) keyBindings.value = bindings;
  return bindings !== null;
}

/** The name of the person who decides; it can be changed where the server asks for no token. */
function reviewerField(): HTMLElement[] {
  const info = state.serverInfo.value;
  if (info?.tokens || info?.blind) return [el("span", {}, `You are ${info.person.name} (${info.person.role})`)];
  const field = el("input", { type: "text", id: "reviewer", maxlength: 100, value: state.reviewer.value });
  field.addEventListener("change", () => {
    state.reviewer.value = field.value.trim() || info?.person.name || "";
  });
  return [el("label", { for: "reviewer" }, "Who decides"), field];
}

const themeField = (): HTMLElement =>
  selectField("Light or dark", THEME_LABELS, theme.value, (value) => {
    theme.value = value as Theme;
  });

function resetButton(): HTMLElement {
  const reset = (): void => {
    keyBindings.value = DEFAULT_BINDINGS;
    renderSettings();
  };
  return el("button", { type: "button", click: reset }, "Default keys");
}

function introButton(): HTMLElement {
  const show = (): void => {
    byId<HTMLDialogElement>("settings").close();
    state.introOpen.value = true;
  };
  return el("button", { type: "button", click: show }, "First steps");
}

function closeButton(): HTMLElement {
  const close = (): void => byId<HTMLDialogElement>("settings").close();
  return el("button", { type: "button", class: "strong", click: close }, "Close (Esc)");
}
