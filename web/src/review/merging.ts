// Merge with a neighbour: the nearest is offered, another one can be chosen.
import { get } from "../server/api.ts";
import { mark } from "../map/landslides.ts";
import { say } from "../lib/notice.ts";
import type { Collection, Feature } from "../server/types.ts";
import { mapView } from "../map/view.ts";

export interface Merging {
  key: (event: KeyboardEvent) => boolean;
  end: () => void;
}

/** Offer the neighbours of a landslide; `chosen` gets the one to merge with. */
export async function chooseNeighbour(of: Feature, chosen: (others: Feature[]) => void): Promise<Merging> {
  const map = mapView();
  const { features } = await get<Collection>(`landslides/${encodeURIComponent(of.id)}/neighbours`, { limit: 12 });
  let place = 0;
  const offer = (at: number): void => {
    place = (at + features.length) % features.length;
    mark(map, "neighbour", features[place]?.geometry ?? null);
  };
  const click = (event: { point: { x: number; y: number } }): void => {
    const { x, y } = event.point;
    const near: [[number, number], [number, number]] = [
      [x - 6, y - 6],
      [x + 6, y + 6],
    ];
    const ids = map
      .queryRenderedFeatures(near, { layers: ["outlines", "ones"] })
      .map(({ properties }) => properties.id);
    const found = features.findIndex(({ id }) => ids.includes(id));
    if (found >= 0) offer(found);
  };
  map.on("click", click);
  if (features.length) offer(0);
  else say("There is no other landslide to merge with");
  return {
    key(event) {
      if (event.key === "Tab") offer(place + (event.shiftKey ? -1 : 1));
      else if (event.key === "Enter") chosen(features.slice(place, place + 1));
      else return false;
      return true;
    },
    end() {
      map.off("click", click);
      mark(map, "neighbour", null);
    },
  };
}
