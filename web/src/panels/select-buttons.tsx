// The buttons of the mode that selects many landslides: how they are selected, and what is decided on them.
import type { VNode } from "preact";
import { formatCount } from "../lib/format.ts";
import { COMMANDS, keyBindings, keyLabel } from "../review/keys.ts";
import {
  changeSelectTool,
  decideOnSelection,
  selectFiltered,
  selectInView,
  selectionText,
} from "../review/selecting.ts";
import type { Verdict } from "../server/types.ts";
import { state } from "../state.ts";

const VERDICTS: readonly Verdict[] = ["accept", "reject", "unsure", "bad imagery"];

/** Ways to select, and a button for each verdict, with the number of landslides that it is given to. */
export const SelectButtons = (): VNode => (
  <>
    <Way text={state.selectTool.value === "box" ? "Use a lasso" : "Use a box"} hint="Tab">
      {changeSelectTool}
    </Way>
    <Way text="All in view" hint="Enter">
      {selectInView}
    </Way>
    <Way text="All filtered" hint="F">
      {selectFiltered}
    </Way>
    <p class="selection" role="status">
      {selectionText() || "Nothing is selected yet"}
    </p>
    {VERDICTS.map((verdict) => (
      <button
        type="button"
        class={`decision ${verdict.replace(" ", "-")}`}
        disabled={!selectedCount()}
        onClick={() => decideOnSelection(verdict)}
      >
        <span>
          {verdictLabel(verdict)} {formatCount(selectedCount())}
        </span>
        <kbd>{keyLabel(keyBindings.value[verdict])}</kbd>
      </button>
    ))}
  </>
);

const Way = ({ text, hint, children }: { text: string; hint: string; children: () => void }): VNode => (
  <button type="button" class="decision" onClick={() => children()}>
    <span>{text}</span>
    <kbd>{hint}</kbd>
  </button>
);

const verdictLabel = (verdict: Verdict): string => COMMANDS.find(({ name }) => name === verdict)?.label ?? verdict;

const selectedCount = (): number => Object.keys(state.selection.value?.landslides ?? {}).length;
