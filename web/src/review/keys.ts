// Which key does what. Keys are read by what they write, so that a letter is where its cap says it is.

export interface CommandDefinition {
  name: string;
  what: string;
  key: string;
  group: "Decide" | "Go" | "See" | "Page";
}

export const COMMANDS = [
  { name: "accept", what: "Accept", key: "a", group: "Decide" },
  { name: "reject", what: "Reject", key: "r", group: "Decide" },
  { name: "unsure", what: "Unsure", key: "u", group: "Decide" },
  { name: "bad imagery", what: "Bad imagery", key: "b", group: "Decide" },
  { name: "merge", what: "Merge", key: "m", group: "Decide" },
  { name: "split", what: "Split", key: "s", group: "Decide" },
  { name: "edit", what: "Edit outline", key: "e", group: "Decide" },
  { name: "draw", what: "Draw missed", key: "d", group: "Decide" },
  { name: "comment", what: "Comment", key: "c", group: "Decide" },
  { name: "undo", what: "Undo", key: "z", group: "Decide" },
  { name: "redo", what: "Redo", key: "y", group: "Decide" },
  { name: "next", what: "Next", key: "n", group: "Go" },
  { name: "previous", what: "Previous", key: "p", group: "Go" },
  { name: "centre", what: "Centre on the landslide", key: "g", group: "Go" },
  { name: "all", what: "See everything", key: "0", group: "Go" },
  { name: "in view", what: "Only what is in view", key: "v", group: "Go" },
  { name: "flip", what: "Flip before and after", key: "f", group: "See" },
  { name: "swipe", what: "Swipe in the middle", key: "w", group: "See" },
  { name: "swipe left", what: "Swipe to the left", key: "[", group: "See" },
  { name: "swipe right", what: "Swipe to the right", key: "]", group: "See" },
  { name: "outlines", what: "Outlines", key: "h", group: "See" },
  { name: "probability", what: "Probability", key: "1", group: "See" },
  { name: "uncertainty", what: "Deviation of the views", key: "2", group: "See" },
  { name: "hillshade", what: "Hillshade", key: "3", group: "See" },
  { name: "density", what: "Density", key: "4", group: "See" },
  { name: "zoom in", what: "Zoom in", key: "+", group: "See" },
  { name: "zoom out", what: "Zoom out", key: "-", group: "See" },
  { name: "shift", what: "Shift the images", key: "o", group: "See" },
  { name: "dashboard", what: "Dashboard", key: "i", group: "Page" },
  { name: "filters", what: "Filters", key: "/", group: "Page" },
  { name: "theme", what: "Light or dark", key: "t", group: "Page" },
  { name: "keys", what: "Keys and settings", key: "?", group: "Page" },
] as const satisfies readonly CommandDefinition[];

export type CommandName = (typeof COMMANDS)[number]["name"];
export type KeyBindings = Record<CommandName, string>;

export const DEFAULT_BINDINGS = Object.fromEntries(
  COMMANDS.map((command) => [command.name, command.key]),
) as KeyBindings;

/** Keys that modes, fields and the browser need, so nothing can be put on them. */
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

export type KeyPress = Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "metaKey">;

/** A pressed key's name, such as `a` or `ArrowUp`; null with a modifier that belongs to the browser. */
export function keyName(event: KeyPress): string | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

/** Where somebody is typing, or choosing by letters, keys are theirs. */
export function isTextField(target: { tagName?: string; type?: string; isContentEditable?: boolean } | null): boolean {
  if (!target?.tagName) return false;
  if (target.isContentEditable) return true;
  if (target.tagName === "INPUT") return !["checkbox", "radio", "button", "range"].includes(target.type ?? "text");
  return target.tagName === "TEXTAREA" || target.tagName === "SELECT";
}

/** What a key does, if anything. */
export function commandForKey(event: KeyPress, bindings: KeyBindings): CommandName | null {
  const key = keyName(event);
  return COMMANDS.find(({ name }) => bindings[name] === key)?.name ?? null;
}

/** Put a key on a command; the command that had it gets the other's. Null where the key is not to be had. */
export function rebind(bindings: KeyBindings, name: CommandName, key: string | null): KeyBindings | null {
  if (key === null || RESERVED_KEYS.has(key) || key.startsWith("Arrow")) return null;
  const previousOwner = COMMANDS.find((command) => bindings[command.name] === key)?.name;
  return { ...bindings, ...(previousOwner ? { [previousOwner]: bindings[name] } : {}), [name]: key };
}

/** The bindings that were kept, as far as they fit the commands there are now. */
export function restoreBindings(stored: Partial<Record<string, unknown>>): KeyBindings {
  const bindings = { ...DEFAULT_BINDINGS };
  for (const { name } of COMMANDS) if (typeof stored[name] === "string") bindings[name] = stored[name];
  return new Set(Object.values(bindings)).size === COMMANDS.length ? bindings : { ...DEFAULT_BINDINGS };
}
