// The choice of the neighbour to merge a landslide with.
import { showNotice } from "../lib/notice.ts";
import { SINGLE_POINTS } from "../map/landslide-layers.ts";
import { featuresNear, highlight } from "../map/landslides.ts";
import { getMap } from "../map/view.ts";
import { getJson } from "../server/api.ts";
import type { Landslide, LandslideCollection } from "../server/types.ts";

const MAX_NEIGHBOURS = 12;
const CLICK_RADIUS = 6; // px

/** Highlights one of a landslide's neighbours: the nearest first, then those that `move` or a click chooses. */
export class NeighbourChoice {
  readonly landslide: Landslide;
  private readonly neighbours: readonly Landslide[];
  private index = 0;

  /** Load the neighbours and offer the nearest; throws the errors of `getJson`. */
  static async load(landslide: Landslide): Promise<NeighbourChoice> {
    const path = `landslides/${encodeURIComponent(landslide.id)}/neighbours`;
    const { features } = await getJson<LandslideCollection>(path, { limit: MAX_NEIGHBOURS });
    return new NeighbourChoice(landslide, features);
  }

  private constructor(landslide: Landslide, neighbours: readonly Landslide[]) {
    this.landslide = landslide;
    this.neighbours = neighbours;
    getMap().on("click", this.handleClick);
    if (neighbours.length) this.offer(0);
    else showNotice("There is no other landslide to merge with");
  }

  /** The neighbour that is highlighted; undefined where there is none. */
  get neighbour(): Landslide | undefined {
    return this.neighbours[this.index];
  }

  /** Offer the next neighbour, or the one before. */
  move(step: 1 | -1): void {
    this.offer(this.index + step);
  }

  /** Remove the highlight and listen to clicks no more. */
  end(): void {
    getMap().off("click", this.handleClick);
    highlight(getMap(), "neighbour", null);
  }

  private offer(index: number): void {
    this.index = (index + this.neighbours.length) % this.neighbours.length;
    highlight(getMap(), "neighbour", this.neighbour?.geometry ?? null);
  }

  private readonly handleClick = ({ point }: { point: { x: number; y: number } }): void => {
    const features = featuresNear(getMap(), point, CLICK_RADIUS, ["outlines", SINGLE_POINTS]);
    const ids = features.map(({ properties }) => properties.id);
    const index = this.neighbours.findIndex(({ id }) => ids.includes(id));
    if (index >= 0) this.offer(index);
  };
}
