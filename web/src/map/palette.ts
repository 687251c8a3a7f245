// Colours of the landslides by what was decided on them. The colour-blind can tell them apart: Okabe and Ito,
// "Color Universal Design" (2008). style.css has the same ones.
import type { LandslideProperties } from "../server/types.ts";

/** The colour of each display status. */
export const STATUS_COLOURS = {
  open: "#f0e442",
  confirmed: "#56b4e9",
  rejected: "#d55e00",
  undecided: "#cc79a7", // unsure, or bad imagery
} as const;

/** The status as it is shown: a candidate is `open`, or `undecided` if a person has looked at it without deciding. */
export type DisplayStatus = keyof typeof STATUS_COLOURS;

/** Names of the display statuses on the page. */
export const STATUS_LABELS: Record<DisplayStatus, string> = {
  open: "open",
  confirmed: "confirmed",
  rejected: "rejected",
  undecided: "unsure",
};

/** The display status of a landslide's record. */
export function displayStatusOf({ status, author }: Pick<LandslideProperties, "status" | "author">): DisplayStatus {
  if (status === "confirmed" || status === "rejected") return status;
  return author === "person" ? "undecided" : "open";
}
