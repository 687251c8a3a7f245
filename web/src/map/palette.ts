// Colours of the landslides by the state of their review. The colour-blind can tell them apart: Okabe and Ito,
// "Color Universal Design" (2008). style.css has the same ones.
import type { ReviewState } from "../server/types.ts";

/** The colour of each state. */
export const STATE_COLOURS: Record<ReviewState, string> = {
  open: "#f0e442",
  accepted: "#56b4e9",
  rejected: "#d55e00",
  unsure: "#cc79a7",
  "bad imagery": "#009e73",
  disputed: "#e69f00",
  withdrawn: "#999999",
};

/** The states of landslides that count in a review, in the order in which the page shows them. */
export const REVIEWED_STATES = ["open", "accepted", "rejected", "unsure", "bad imagery", "disputed"] as const;

/** The CSS class of a state's dot. */
export const stateClass = (state: ReviewState): string => state.replace(" ", "-");
