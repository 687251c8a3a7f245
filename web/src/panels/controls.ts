// Controls that several panels have.
import { el } from "../lib/dom.ts";
import { focusMap } from "../map/view.ts";
import { type CommandName, keyBindings, keyLabel } from "../review/keys.ts";

/** The key of a command; it follows the bindings as long as the page lives, so it is made once and kept. */
export function keyHint(name: CommandName): HTMLElement {
  const hint = el("kbd", {});
  keyBindings.subscribe((bindings) => {
    hint.textContent = keyLabel(bindings[name]);
  });
  return hint;
}

/** A field to choose one of several values: the keys of `options`, shown as its values. */
export function selectField(
  label: string,
  options: Record<string, string>,
  selected: string,
  onChange: (value: string) => void,
): HTMLSelectElement {
  const select = el("select", { "aria-label": label });
  for (const [value, text] of Object.entries(options))
    select.append(el("option", { value, selected: value === selected }, text));
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

/** After a choice with the pointer take the focus from the field, so that keys are commands again. */
export function returnToKeysAfterPointer(fields: HTMLElement): void {
  let byPointer = false;
  fields.addEventListener("pointerdown", () => {
    byPointer = true;
  });
  fields.addEventListener("keydown", () => {
    byPointer = false;
  });
  fields.addEventListener("change", () => {
    if (byPointer) focusMap();
  });
}
