// What the parts of the page share.
import { Cell } from "./lib/signal.ts";
import { type Bindings, DEFAULTS } from "./review/keys.ts";
import type { Feature, Info, Progress, Scene, Story } from "./server/types.ts";

export type Mode = "look" | "edit" | "draw" | "split" | "merge" | "shift";
export type Order = "near" | "uncertainty" | "size" | "date";

/** Which landslides are looked at: the queue's, the map's, the dashboard's and the export's alike. */
export interface Filters {
  region: string;
  event: string;
  status: string;
  dates: string;
  min_area: string;
  where: string;
}

export const NO_FILTERS: Filters = { region: "", event: "", status: "", dates: "", min_area: "", where: "" };

export interface Sight {
  /** Share of the map, from the left, that shows the image before. */
  swipe: number;
  brightness: number;
  contrast: number;
  probability: boolean;
  uncertainty: boolean;
  opacity: number;
  hillshade: boolean;
  outlines: boolean;
  density: boolean;
}

export const PLAIN_SIGHT: Sight = {
  swipe: 0.5,
  brightness: 0,
  contrast: 0,
  probability: false,
  uncertainty: false,
  opacity: 0.6,
  hillshade: false,
  outlines: true,
  density: false,
};

export const state = {
  info: new Cell<Info | null>(null),
  /** Who decides. */
  reviewer: new Cell(""),
  filters: new Cell<Filters>(NO_FILTERS),
  order: new Cell<Order>("near"),
  inView: new Cell(false),
  queue: new Cell<readonly Feature[]>([]),
  progress: new Cell<Progress | null>(null),
  /** The landslide that is decided on. */
  current: new Cell<Feature | null>(null),
  story: new Cell<Story | null>(null),
  scenes: new Cell<readonly Scene[]>([]),
  /** The scene that is looked at. */
  scene: new Cell<Scene | null>(null),
  sight: new Cell<Sight>(PLAIN_SIGHT),
  mode: new Cell<Mode>("look"),
  bindings: new Cell<Bindings>(DEFAULTS),
  /** Decisions that the server does not have yet, and why it does not. */
  waiting: new Cell<{ count: number; reason: string | null }>({ count: 0, reason: null }),
  /** What was done last and can be taken back or done again. */
  past: new Cell<{ undo: string | null; redo: string | null }>({ undo: null, redo: null }),
  dashboard: new Cell(false),
};

export const see = (change: Partial<Sight>): void => {
  state.sight.value = { ...state.sight.value, ...change };
};

/** Whether decisions can be made by whoever looks. */
export const mayDecide = (): boolean => {
  const info = state.info.value;
  return !!info?.write && info.person.role === "reviewer";
};
