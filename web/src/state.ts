// What the parts of the page share.
import { Signal } from "./lib/signal.ts";
import { type KeyBindings, DEFAULT_BINDINGS } from "./review/keys.ts";
import type { Landslide, ServerInfo, ReviewProgress, Scene, LandslideDetails } from "./server/types.ts";

export type Mode = "look" | "edit" | "draw" | "split" | "merge" | "shift";
export type QueueOrder = "near" | "uncertainty" | "size" | "date";

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

export interface DisplayOptions {
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

export const DEFAULT_DISPLAY: DisplayOptions = {
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
  serverInfo: new Signal<ServerInfo | null>(null),
  /** Who decides. */
  reviewer: new Signal(""),
  filters: new Signal<Filters>(NO_FILTERS),
  order: new Signal<QueueOrder>("near"),
  onlyInView: new Signal(false),
  queue: new Signal<readonly Landslide[]>([]),
  progress: new Signal<ReviewProgress | null>(null),
  /** The landslide that is decided on. */
  current: new Signal<Landslide | null>(null),
  details: new Signal<LandslideDetails | null>(null),
  scenes: new Signal<readonly Scene[]>([]),
  /** The scene that is looked at. */
  scene: new Signal<Scene | null>(null),
  display: new Signal<DisplayOptions>(DEFAULT_DISPLAY),
  mode: new Signal<Mode>("look"),
  keyBindings: new Signal<KeyBindings>(DEFAULT_BINDINGS),
  /** Decisions that the server does not have yet, and why it does not. */
  pending: new Signal<{ count: number; reason: string | null }>({ count: 0, reason: null }),
  /** What was done last and can be taken back or done again. */
  undoable: new Signal<{ undo: string | null; redo: string | null }>({ undo: null, redo: null }),
  dashboardOpen: new Signal(false),
};

export const setDisplay = (change: Partial<DisplayOptions>): void => {
  state.display.value = { ...state.display.value, ...change };
};

/** Whether decisions can be made by whoever looks. */
export const mayDecide = (): boolean => {
  const info = state.serverInfo.value;
  return !!info?.write && info.person.role === "reviewer";
};
