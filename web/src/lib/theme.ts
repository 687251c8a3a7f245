// Light or dark, as the machine says or as chosen.
import { Signal } from "./signal.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

export const theme = new Signal<Theme>("auto");

/** Apply and keep the theme; `painted` is called when colours have changed. */
export function startTheme(onChange: () => void): void {
  const stored = localStorage.getItem("tsmu.theme") as Theme | null;
  theme.value = stored && THEMES.includes(stored) ? stored : "auto";
  theme.subscribe((value) => {
    document.documentElement.dataset.theme = value;
    localStorage.setItem("tsmu.theme", value);
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}

/** The other of light and dark. */
export function toggleTheme(): void {
  const dark = theme.value === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : theme.value === "dark";
  theme.value = dark ? "light" : "dark";
}
