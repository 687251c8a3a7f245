// How the map shows the images: layers, swipe, brightness and colours; with the map's legend.
import { byId, el } from "../lib/dom.ts";
import { REVIEWED_STATES, stateClass } from "../map/palette.ts";
import { runCommand } from "../review/commands.ts";
import { COMMANDS, type CommandName } from "../review/keys.ts";
import type { Scene } from "../server/types.ts";
import { DEFAULT_DISPLAY, setDisplay, state } from "../state.ts";
import { createColours } from "./colours.tsx";
import { keyHint } from "./controls.ts";

/** Display options that are switched on and off; each is a command as well. */
const LAYER_SWITCHES = ["probability", "uncertainty", "hillshade", "outlines", "density", "basemap"] as const;
/** What the first and the last colour of a layer mean; `style.css` has the colours between. */
const LEGEND_ENDS: Partial<Record<(typeof LAYER_SWITCHES)[number], [string, string]>> = {
  probability: ["0 %", "100 %"],
  uncertainty: ["0 %", "100 %"],
  hillshade: ["in shade", "lit from the north-west"],
  density: ["few", "many"],
};
type SliderOption = "opacity" | "brightness" | "contrast";
const VIEW_BUTTONS: [CommandName, string][] = [
  ["flip", "Flip"],
  ["swipe", "Swipe"],
  ["shift", "Shift images"],
  ["measure", "Measure"],
];

/** Create the controls, dates and legend; they follow the display options and the scenes. */
export function createImages(): void {
  const { brightness, contrast, opacity, bands, stretch } = DEFAULT_DISPLAY;
  byId("sight").replaceChildren(
    el("h3", {}, "Images"),
    el("div", { class: "views" }, ...VIEW_BUTTONS.map(([name, label]) => viewButton(name, label))),
    shiftLine(),
    ...LAYER_SWITCHES.flatMap((name) => [layerSwitch(name), ...layerLegend(name)]),
    slider("Overlay", "opacity", 0, 1),
    slider("Brightness", "brightness", -0.8, 0.8),
    slider("Contrast", "contrast", -0.8, 0.8),
    createColours(),
    el(
      "button",
      { type: "button", class: "small", click: () => setDisplay({ brightness, contrast, opacity, bands, stretch }) },
      "Plain",
    ),
  );
  createLegend();
}

const viewButton = (name: CommandName, label: string): HTMLElement =>
  el("button", { type: "button", click: () => runCommand(name) }, el("span", {}, label), keyHint(name));

/** A line that says by how much the scene's images are shifted; hidden where they are not. */
function shiftLine(): HTMLElement {
  const line = el("p", { class: "quiet", id: "shift" });
  state.scene.subscribe((scene) => {
    line.textContent = scene ? shiftText(scene) : "";
    line.hidden = line.textContent === "";
  });
  return line;
}

/** By how much a scene's images are shifted: both together, or each by itself; empty where they are not. */
function shiftText(scene: Scene): string {
  const metres = (east: number | null, north: number | null): string => `${east ?? 0} m east, ${north ?? 0} m north`;
  const all = metres(scene.shift_east_m, scene.shift_north_m);
  if (scene.pre_shift_east_m === null) return scene.shift_east_m || scene.shift_north_m ? `Shifted ${all}` : "";
  return `Shifted: after ${all}; before ${metres(scene.pre_shift_east_m, scene.pre_shift_north_m)}`;
}

/** What the colours of a layer mean, below its switch while it is shown; empty for a layer that needs no legend. */
function layerLegend(name: (typeof LAYER_SWITCHES)[number]): HTMLElement[] {
  const ends = LEGEND_ENDS[name];
  if (!ends) return [];
  const [low, high] = ends;
  const ramp = el("span", { class: `ramp ${name}`, "aria-hidden": "true" });
  const legend = el("p", { class: "layer-legend quiet" }, el("span", {}, low), ramp, el("span", {}, high));
  state.display.subscribe((display) => {
    legend.hidden = !display[name];
  });
  return [legend];
}

/** A checkbox that shows a layer; hidden where there is none. */
function layerSwitch(name: (typeof LAYER_SWITCHES)[number]): HTMLElement {
  const label = COMMANDS.find((command) => command.name === name)?.label ?? name;
  const checkbox = el("input", { type: "checkbox" });
  const row = el("label", { class: "check" }, checkbox, el("span", {}, label), keyHint(name));
  checkbox.addEventListener("change", () => setDisplay({ [name]: checkbox.checked }));
  state.display.subscribe((display) => {
    checkbox.checked = display[name];
  });
  state.scenes.subscribe((scenes) => {
    row.hidden = !isThere(name, scenes);
  });
  return row;
}

/** Whether there is anything that a layer can show. */
function isThere(name: (typeof LAYER_SWITCHES)[number], scenes: readonly Scene[]): boolean {
  if (name === "outlines" || name === "density") return true;
  if (name === "basemap") return !!state.serverInfo.value?.basemap;
  return scenes.some(({ layers }) => (layers as string[]).includes(name));
}

function slider(label: string, name: SliderOption, min: number, max: number): HTMLElement {
  const input = el("input", { type: "range", min, max, step: 0.05 });
  input.addEventListener("input", () => setDisplay({ [name]: Number(input.value) }));
  state.display.subscribe((display) => {
    input.value = String(display[name]);
  });
  return el("label", { class: "slider" }, el("span", {}, label), input);
}

/** What the colours of the landslides mean, below the map. */
function createLegend(): void {
  byId("legend").replaceChildren(
    ...REVIEWED_STATES.map((state) => el("span", {}, el("span", { class: `dot ${stateClass(state)}` }), state)),
  );
}
