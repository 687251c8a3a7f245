// The light and the dark theme.
import { Signal } from "@preact/signals";

const THEMES = ["auto", "light", "dark"] as const;
const STORAGE_KEY = "tsmu.theme";

/** `auto` follows the operating system. */
export type Theme = (typeof THEMES)[number];

export const theme = new Signal<Theme>("auto");

/** Apply the stored theme, and apply and store each later one; `onChange` is called when colours have changed. */
export function startTheme(onChange: () => void): void {
  const stored = localStorage.getItem(STORAGE_KEY) as Theme | null;
  theme.value = stored && THEMES.includes(stored) ? stored : "auto";
  theme.subscribe((value) => {
    document.documentElement.dataset.theme = value;
    localStorage.setItem(STORAGE_KEY, value);
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}

/** Change from light to dark, or from dark to light. */
export function toggleTheme(): void {
  const dark = theme.value === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : theme.value === "dark";
  theme.value = dark ? "light" : "dark";
}
