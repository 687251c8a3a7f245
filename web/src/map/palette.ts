// Colours that the colour-blind tell apart: Okabe and Ito, "Color Universal Design" (2008).
import type { ExpressionSpecification } from "maplibre-gl";
import type { Landslide } from "../server/types.ts";

export const COLOURS = {
  open: "#f0e442",
  confirmed: "#56b4e9",
  rejected: "#d55e00",
  undecided: "#cc79a7", // unsure, or bad imagery
} as const;

export type Kind = keyof typeof COLOURS;

export const KINDS: Record<Kind, string> = {
  open: "open",
  confirmed: "confirmed",
  rejected: "rejected",
  undecided: "unsure",
};

export function kindOf({ status, author }: Pick<Landslide, "status" | "author">): Kind {
  if (status === "confirmed" || status === "rejected") return status;
  return author === "person" ? "undecided" : "open";
}

/** The same as an expression on a tile's properties; what was decided since the tile was made goes before. */
export const KIND: ExpressionSpecification = [
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

export const colourOf = (kind: ExpressionSpecification): ExpressionSpecification => [
  "match",
  kind,
  "confirmed",
  COLOURS.confirmed,
  "rejected",
  COLOURS.rejected,
  "undecided",
  COLOURS.undecided,
  COLOURS.open,
];
