// The form in which the current landslide is described.
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import {
  ATTRIBUTE_LABELS,
  ATTRIBUTE_NAMES,
  closeDescription,
  lastDescription,
  saveDescription,
} from "../review/describing.ts";
import type { AttributeName, Attributes, Landslide } from "../server/types.ts";
import { state } from "../state.ts";

const focusFirst = (form: HTMLFormElement | null): void => form?.querySelector("select")?.focus();

/** A field for each attribute; nothing is recorded before Enter. */
export function AttributesForm({ landslide }: { landslide: Landslide }): VNode {
  const { properties } = landslide;
  const chosen = useSignal<Attributes>(
    Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, properties[name] ?? null])),
  );
  const save = (event: Event): void => {
    event.preventDefault();
    saveDescription(chosen.value);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isOnButton = (event.target as Element).tagName === "BUTTON";
    if (event.key === "Escape") closeDescription();
    else if (event.key !== "Enter" || isOnButton) return;
    else save(event);
    event.preventDefault();
    event.stopPropagation();
  };
  const choose = (name: AttributeName, value: string): void => {
    chosen.value = { ...chosen.value, [name]: value || null };
  };
  return (
    <form id="attributes" ref={focusFirst} onSubmit={save} onKeyDown={onKeyDown}>
      {ATTRIBUTE_NAMES.map((name) => (
        <AttributeField key={name} name={name} value={chosen.value[name] ?? ""} onChoose={choose} />
      ))}
      <button type="submit" class="strong">
        Record (Enter)
      </button>
      <button type="button" onClick={closeDescription}>
        Leave (Esc)
      </button>
      {lastDescription.value && (
        <button
          type="button"
          class="as-last"
          onClick={() => {
            chosen.value = { ...lastDescription.value };
          }}
        >
          As the last one
        </button>
      )}
    </form>
  );
}

interface FieldProps {
  name: AttributeName;
  value: string;
  onChoose: (name: AttributeName, value: string) => void;
}

const AttributeField = ({ name, value, onChoose }: FieldProps): VNode => (
  <label>
    <span>{ATTRIBUTE_LABELS[name]}</span>
    <select value={value} onChange={({ currentTarget }) => onChoose(name, currentTarget.value)}>
      <option value="">unknown</option>
      {state.serverInfo.value?.attributes[name].map((word) => (
        <option key={word} value={word}>
          {word}
        </option>
      ))}
    </select>
  </label>
);
