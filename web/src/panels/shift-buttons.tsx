// The buttons by which images are shifted where there is no keyboard.
import type { VNode } from "preact";
import { moveImages, resetImages, TARGET_LABELS } from "../review/shifting.ts";
import { type ShiftTarget, state } from "../state.ts";

const ARROWS: [string, string, number, number][] = [
  ["←", "West", -1, 0],
  ["↑", "North", 0, -1],
  ["↓", "South", 0, 1],
  ["→", "East", 1, 0],
];

/** Which images are moved, and a button for each direction; a click moves them by 1 m, with Shift by 10 m. */
export const ShiftButtons = (): VNode => (
  <>
    <div class="shift-buttons" role="group" aria-label="Images to move">
      {Object.entries(TARGET_LABELS).map(([target, label]) => (
        <button
          key={target}
          type="button"
          aria-pressed={state.shiftTarget.value === target}
          onClick={() => {
            state.shiftTarget.value = target as ShiftTarget;
          }}
        >
          {label}
        </button>
      ))}
    </div>
    <div class="shift-buttons" role="group" aria-label="Move">
      {ARROWS.map(([arrow, label, right, down]) => (
        <button
          key={label}
          type="button"
          aria-label={label}
          onClick={(event: MouseEvent) => moveImages(right, down, event.shiftKey)}
        >
          {arrow}
        </button>
      ))}
      <button type="button" onClick={resetImages}>
        Zero
      </button>
    </div>
  </>
);
