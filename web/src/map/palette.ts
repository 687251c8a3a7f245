// Colours that the colour-blind tell apart: Okabe and Ito, "Color Universal Design" (2008).
import type { ExpressionSpecification } from "maplibre-gl";
import type { LandslideProperties } from "../server/types.ts";

export const STATUS_COLOURS = {
  open: "#f0e442",
  confirmed: "#56b4e9",
  rejected: "#d55e00",
  undecided: "#cc79a7", // unsure, or bad imagery
} as const;

export type DisplayStatus = keyof typeof STATUS_COLOURS;

export const STATUS_LABELS: Record<DisplayStatus, string> = {
  open: "open",
  confirmed: "confirmed",
  rejected: "rejected",
  undecided: "unsure",
};

export function displayStatusOf({ status, author }: Pick<LandslideProperties, "status" | "author">): DisplayStatus {
  if (status === "confirmed" || status === "rejected") return status;
  return author === "person" ? "undecided" : "open";
}

/** The same as an expression on a tile's properties; what was decided since the tile was made goes before. */
export const STATUS_OF_OUTLINE: ExpressionSpecification = [
  "coalesce",
  ["feature-state", "kind"],
  [
    "case",
    ["in", ["get", "status"], ["literal", ["confirmed", "rejected"]]],
    ["get", "status"],
    ["==", ["get", "author"], "person"],
    "undecided",
    "open",
  ],
];

export const statusColour = (kind: ExpressionSpecification): ExpressionSpecification => [
  "match",
  kind,
  "confirmed",
  STATUS_COLOURS.confirmed,
  "rejected",
  STATUS_COLOURS.rejected,
  "undecided",
  STATUS_COLOURS.undecided,
  STATUS_COLOURS.open,
];
