// Light or dark, as the machine says or as chosen.
import { Cell } from "./signal.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

export const theme = new Cell<Theme>("auto");

/** Apply and keep the theme; `painted` is called when colours have changed. */
export function followTheme(painted: () => void): void {
  const kept = localStorage.getItem("tsmu.theme") as Theme | null;
  theme.value = kept && THEMES.includes(kept) ? kept : "auto";
  theme.watch((value) => {
    document.documentElement.dataset.theme = value;
    localStorage.setItem("tsmu.theme", value);
    painted();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", painted);
}

/** The other of light and dark. */
export function nextTheme(): void {
  const dark = theme.value === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : theme.value === "dark";
  theme.value = dark ? "light" : "dark";
}
