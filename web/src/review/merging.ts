// Merge with a neighbour: the nearest is offered, another one can be chosen.
import { getJson } from "../server/api.ts";
import { highlight } from "../map/landslides.ts";
import { showNotice } from "../lib/notice.ts";
import type { LandslideCollection, Landslide } from "../server/types.ts";
import { getMap } from "../map/view.ts";

export interface MergeMode {
  handleKey: (event: KeyboardEvent) => boolean;
  end: () => void;
}

/** Offer the neighbours of a landslide; `chosen` gets the one to merge with. */
export async function startMergeMode(of: Landslide, onChoice: (others: Landslide[]) => void): Promise<MergeMode> {
  const map = getMap();
  const { features } = await getJson<LandslideCollection>(`landslides/${encodeURIComponent(of.id)}/neighbours`, {
    limit: 12,
  });
  let offered = 0;
  const offer = (at: number): void => {
    offered = (at + features.length) % features.length;
    highlight(map, "neighbour", features[offered]?.geometry ?? null);
  };
  const click = (event: { point: { x: number; y: number } }): void => {
    const { x, y } = event.point;
    const searchBox: [[number, number], [number, number]] = [
      [x - 6, y - 6],
      [x + 6, y + 6],
    ];
    const ids = map
      .queryRenderedFeatures(searchBox, { layers: ["outlines", "ones"] })
      .map(({ properties }) => properties.id);
    const index = features.findIndex(({ id }) => ids.includes(id));
    if (index >= 0) offer(index);
  };
  map.on("click", click);
  if (features.length) offer(0);
  else showNotice("There is no other landslide to merge with");
  return {
    handleKey(event) {
      if (event.key === "Tab") offer(offered + (event.shiftKey ? -1 : 1));
      else if (event.key === "Enter") onChoice(features.slice(offered, offered + 1));
      else return false;
      return true;
    },
    end() {
      map.off("click", click);
      highlight(map, "neighbour", null);
    },
  };
}
