// Above the buttons that decide: shapes that the server has refused, to be corrected or dropped.
import { render, type VNode } from "preact";
import { byId } from "../lib/dom.ts";
import { forgetRefused } from "../review/drafts.ts";
import { correctRefused } from "../review/modes.ts";
import { state } from "../state.ts";

/** Create the panel; it follows what the server refuses. */
export function createRefused(): void {
  render(<RefusedShapes />, byId("refused"));
}

const RefusedShapes = (): VNode => (
  <>
    {state.refused.value.map(({ decision, reason }) => (
      <div key={decision.id} class="refused">
        <p>
          <b>Not made: {decision.action}.</b> {reason}
        </p>
        <button type="button" class="strong" onClick={() => void correctRefused(decision)}>
          Correct it
        </button>
        <button type="button" onClick={() => forgetRefused(decision)}>
          Drop it
        </button>
      </div>
    ))}
  </>
);
