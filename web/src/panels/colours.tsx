// Which bands of the images are shown as red, green and blue, and which of their values become black and white.
import { render, type VNode } from "preact";
import { el } from "../lib/dom.ts";
import type { Scene } from "../server/types.ts";
import { setDisplay, state } from "../state.ts";
import { returnToKeysAfterPointer } from "./controls.ts";

const NATURAL = ["red", "green", "blue"];
/** The choices of `DisplayOptions.stretch`. */
const STRETCHES: [string, string][] = [
  ["", "Usual"],
  ["0,100", "All values"],
  ["0.5,99.5", "0.5 to 99.5 %"],
  ["2,98", "2 to 98 %"],
  ["5,95", "5 to 95 %"],
];

/** Create the fields; they follow the display options and the scene. */
export function createColours(): HTMLElement {
  const fields = el("div", { class: "colours" });
  render(<Colours />, fields);
  returnToKeysAfterPointer(fields);
  return fields;
}

const Colours = (): VNode => (
  <>
    <BandFields names={bandNames(shownScenes())} />
    <label class="slider">
      <span>Stretch</span>
      <select
        value={state.display.value.stretch}
        title="Which of a band’s values become black and white"
        onChange={({ currentTarget }) => setDisplay({ stretch: currentTarget.value })}
      >
        {STRETCHES.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  </>
);

/** A field for each of red, green and blue; none where the images have no more bands than these. */
function BandFields({ names }: { names: readonly string[] }): VNode | null {
  if (names.length <= NATURAL.length) return null;
  const natural = naturalBands(names);
  const { bands } = state.display.value;
  const shown = bands.length && bands.every((name) => names.includes(name)) ? bands : natural;
  const choose = (position: number, name: string): void => {
    const chosen = shown.with(position, name);
    setDisplay({ bands: chosen.every((each, index) => each === natural[index]) ? [] : chosen });
  };
  return (
    <fieldset class="bands">
      <legend>Bands shown as red, green, blue</legend>
      {NATURAL.map((colour, position) => (
        <select
          key={colour}
          aria-label={`Shown as ${colour}`}
          value={shown[position]}
          onChange={({ currentTarget }) => choose(position, currentTarget.value)}
        >
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      ))}
    </fieldset>
  );
}

/** The scenes whose images lie on top: the map's, and those that the reviewer has put on a side. */
function shownScenes(): Scene[] {
  const { left, right } = state.sideImages.value;
  const ids = [state.scene.value?.id, left?.sceneId, right?.sceneId];
  return state.scenes.value.filter(({ id }) => ids.includes(id));
}

/** The bands that the images of some scenes have; a name with a comma cannot be asked for. */
function bandNames(scenes: readonly Scene[]): string[] {
  const names = scenes.flatMap(({ bands }) => [...(bands.post ?? []), ...(bands.pre ?? [])]);
  return [...new Set(names)].filter((name) => !name.includes(","));
}

/** The bands that the server shows where none are chosen. */
const naturalBands = (names: readonly string[]): readonly string[] =>
  NATURAL.every((name) => names.includes(name)) ? NATURAL : names.slice(0, 3);
