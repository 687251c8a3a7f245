// The commands of the page, and which key gives which command.
//
// A key is read by what it writes (`event.key`), not by its place on the keyboard, so that on every layout a letter is
// where its cap says it is. Only letters and digits of other alphabets, which no command has, are read by their place.
import { Signal } from "@preact/signals";

/** One line of `COMMANDS`. */
export interface CommandDefinition {
  name: string;
  /** Its name on the page. */
  label: string;
  /** The key that gives it unless the reviewer has changed it. */
  key: string;
  group: "Decide" | "Go" | "See" | "Page";
  /** Ids of the overlays over which the command works as well; without it the command needs the page to be free. */
  worksOver?: readonly string[];
}

/** All commands, in the order in which the page shows them. `commands.ts` says what they do. */
export const COMMANDS = [
  { name: "accept", label: "Accept", key: "a", group: "Decide" },
  { name: "reject", label: "Reject", key: "r", group: "Decide" },
  { name: "unsure", label: "Unsure", key: "u", group: "Decide" },
  { name: "bad imagery", label: "Bad imagery", key: "b", group: "Decide" },
  { name: "merge", label: "Merge", key: "m", group: "Decide" },
  { name: "split", label: "Split", key: "s", group: "Decide" },
  { name: "edit", label: "Edit outline", key: "e", group: "Decide" },
  { name: "draw", label: "Draw missed", key: "d", group: "Decide" },
  { name: "outline", label: "Outline by a click", key: "q", group: "Decide" },
  { name: "levels", label: "Other level", key: "l", group: "Decide" },
  { name: "many", label: "Many at once", key: "x", group: "Decide" },
  { name: "comment", label: "Comment", key: "c", group: "Decide" },
  { name: "describe", label: "Describe", key: "k", group: "Decide" },
  { name: "undo", label: "Undo", key: "z", group: "Decide" },
  { name: "redo", label: "Redo", key: "y", group: "Decide" },
  { name: "next", label: "Next", key: "n", group: "Go" },
  { name: "previous", label: "Previous", key: "p", group: "Go" },
  { name: "centre", label: "Centre on the landslide", key: "g", group: "Go" },
  { name: "all", label: "See everything", key: "0", group: "Go" },
  { name: "in view", label: "Only what is in view", key: "v", group: "Go" },
  { name: "search", label: "Go to a place", key: "/", group: "Go" },
  { name: "link", label: "Copy link", key: ",", group: "Go" },
  { name: "flip", label: "Flip before and after", key: "f", group: "See" },
  { name: "swipe", label: "Swipe in the middle", key: "w", group: "See" },
  { name: "swipe left", label: "Swipe to the left", key: "[", group: "See" },
  { name: "swipe right", label: "Swipe to the right", key: "]", group: "See" },
  { name: "outlines", label: "Outlines", key: "h", group: "See" },
  { name: "probability", label: "Probability", key: "1", group: "See" },
  { name: "uncertainty", label: "Deviation of the views", key: "2", group: "See" },
  { name: "hillshade", label: "Hillshade", key: "3", group: "See" },
  { name: "density", label: "Density", key: "4", group: "See" },
  { name: "basemap", label: "Base map", key: "6", group: "See" },
  { name: "measure", label: "Measure", key: "5", group: "See" },
  { name: "zoom in", label: "Zoom in", key: "+", group: "See" },
  { name: "zoom out", label: "Zoom out", key: "-", group: "See" },
  { name: "shift", label: "Shift the images", key: "o", group: "See" },
  { name: "dashboard", label: "Dashboard", key: "i", group: "Page", worksOver: ["dashboard"] },
  { name: "filters", label: "Filters", key: ".", group: "Page" },
  { name: "theme", label: "Light or dark", key: "t", group: "Page", worksOver: ["dashboard"] },
  { name: "keys", label: "Keys and settings", key: "?", group: "Page", worksOver: ["dashboard"] },
] as const satisfies readonly CommandDefinition[];

export type CommandName = (typeof COMMANDS)[number]["name"];

/** Whether a command may run while an overlay lies over the page; null is the page without one. */
export function worksOver(name: CommandName, overlay: string | null): boolean {
  const definition: CommandDefinition | undefined = COMMANDS.find((command) => command.name === name);
  return overlay === null || !!definition?.worksOver?.includes(overlay);
}

/** The key of each command, as `keyName` gives it. */
export type KeyBindings = Record<CommandName, string>;

export const DEFAULT_BINDINGS = Object.fromEntries(COMMANDS.map(({ name, key }) => [name, key])) as KeyBindings;

/** The bindings in force. */
export const keyBindings = new Signal<KeyBindings>(DEFAULT_BINDINGS);

/** Keys that modes, fields and the browser need, so that no command can have them. */
const RESERVED_KEYS = new Set([
  "Enter",
  "Escape",
  "Tab",
  " ",
  "Backspace",
  "Delete",
  "Insert",
  "Shift",
  "Control",
  "Alt",
  "Meta",
]);

/** The part of a keyboard event that says which key was pressed. */
export type KeyPress = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "metaKey">;

/** Letters and digits that keyboards of other alphabets write. */
const OTHER_ALPHABET = /^(?!\p{Script=Latin}|[0-9])[\p{L}\p{Nd}]$/u;
/** What keys write on an American keyboard, by their place, where it is not the end of the place's name. */
const PLACES: Partial<Record<string, string>> = {
  BracketLeft: "[",
  BracketRight: "]",
  Semicolon: ";",
  Quote: "'",
  Backquote: "`",
  Comma: ",",
  Period: ".",
  Slash: "/",
};

/**
 * The name of a pressed key, such as `a` or `ArrowUp`; null with a modifier that belongs to the browser.
 *
 * A letter of another alphabet has the name of what an American keyboard writes in its place.
 */
export function keyName(event: KeyPress): string | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  if (OTHER_ALPHABET.test(event.key)) {
    const place = PLACES[event.code] ?? /^(?:Key|Digit)(.)$/.exec(event.code)?.[1];
    if (place) return place.toLowerCase();
  }
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

/** A key as it is printed on its cap. */
export const keyLabel = (key: string): string => (key.length === 1 ? key.toUpperCase() : key);

/** Whether an element takes letters, for text or to choose an option, so that they are not commands there. */
export function isTextField(target: { tagName?: string; type?: string; isContentEditable?: boolean } | null): boolean {
  if (!target?.tagName) return false;
  if (target.isContentEditable) return true;
  if (target.tagName === "INPUT") return !["checkbox", "radio", "button", "range"].includes(target.type ?? "text");
  return target.tagName === "TEXTAREA" || target.tagName === "SELECT";
}

/** The command that a key press gives; null for a key without one. */
export function commandForKey(event: KeyPress, bindings: KeyBindings): CommandName | null {
  const key = keyName(event);
  return COMMANDS.find(({ name }) => bindings[name] === key)?.name ?? null;
}

/**
 * The bindings after a command is given another key. The command that had this key gets the old one in exchange.
 *
 * @returns The new bindings; null where no command can have the key.
 */
export function rebind(bindings: KeyBindings, name: CommandName, key: string | null): KeyBindings | null {
  if (key === null || RESERVED_KEYS.has(key) || key.startsWith("Arrow")) return null;
  const previousOwner = COMMANDS.find((command) => bindings[command.name] === key)?.name;
  return { ...bindings, ...(previousOwner ? { [previousOwner]: bindings[name] } : {}), [name]: key };
}

/**
 * Stored bindings as far as they fit the present commands; the default ones where two commands share a key.
 *
 * A command that is new since they were stored gets its own key; where another one has that, the other one's.
 */
export function restoreBindings(stored: Partial<Record<string, unknown>>): KeyBindings {
  const bindings = { ...DEFAULT_BINDINGS };
  for (const { name } of COMMANDS) if (typeof stored[name] === "string") bindings[name] = stored[name];
  for (const { name } of COMMANDS) {
    if (typeof stored[name] === "string") continue;
    const owner = COMMANDS.find((other) => other.name !== name && bindings[other.name] === bindings[name])?.name;
    if (owner) bindings[name] = DEFAULT_BINDINGS[owner];
  }
  return new Set(Object.values(bindings)).size === COMMANDS.length ? bindings : { ...DEFAULT_BINDINGS };
}
