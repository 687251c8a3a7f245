// The signals that the rooms of the page share: one room sets a value, the others follow it.
import { Signal } from "@preact/signals";
import type { LineString, MultiPolygon, Polygon } from "geojson";
import type {
  Decision,
  Landslide,
  LandslideDetails,
  NestedOutlines,
  ReviewProgress,
  Scene,
  Selection,
  ServerInfo,
} from "./server/types.ts";

/** What the keys and the pointer do: `look` is the ordinary state, the others are ended by Enter or Escape. */
export type Mode = "look" | "edit" | "draw" | "split" | "merge" | "shift" | "outline" | "select" | "measure";
/** Images that are shifted: those before and after together, or one of them. */
export type ShiftTarget = "both" | "pre" | "post";
/** What the pointer does while an outline is edited: drag its corners, draw a line that reshapes it, or wipe corners. */
export type EditTool = "corners" | "reshape" | "erase";
/** What comes first in the queue: the nearest, the least certain, the largest or the latest landslide. */
export type QueueOrder = "near" | "uncertainty" | "size" | "date";
/** Which landslides the queue holds: what nobody has decided on, what was left for later, or what people differ on. */
export type QueueName = "open" | "unsure" | "bad imagery" | "disputed";
export const QUEUE_NAMES: readonly QueueName[] = ["open", "unsure", "bad imagery", "disputed"];

/** Which landslides are shown, in the form of the API's query: in the queue, on the map, in dashboard and export. */
export interface Filters {
  region: string;
  event: string;
  /** On the map, in the dashboard and in exports only: which queue is walked says `queueName`. */
  review_state: string;
  /** FIRST/LAST as ISO dates; either may be missing. */
  dates: string;
  /** m² */
  min_area: string;
  where: string;
  /** The reviewer to whom the areas in which they lie are given. */
  assigned_to: string;
}

/** A shape that is being drawn. */
export interface ShapeDraft {
  tool: "edit" | "draw" | "split";
  /** Null for `draw`. */
  landslideId: string | null;
  sceneId: string | null;
  shape: Polygon | MultiPolygon | LineString;
}

/** A decision with a shape that the server has refused, and why. */
export interface RefusedDecision {
  decision: Decision;
  reason: string;
}

export const NO_FILTERS: Filters = {
  region: "",
  event: "",
  review_state: "",
  dates: "",
  min_area: "",
  where: "",
  assigned_to: "",
};

/** How the map shows the images and what lies over them. */
export interface DisplayOptions {
  /** Share of the map's width, from the left, that shows the image before. */
  swipe: number;
  /** -1 (black) to 1 (white); 0 leaves the image as it is. */
  brightness: number;
  /** -1 to 1; 0 leaves the image as it is. */
  contrast: number;
  probability: boolean;
  uncertainty: boolean;
  /** Of probability, uncertainty and hillshade: 0 to 1. */
  opacity: number;
  hillshade: boolean;
  outlines: boolean;
  density: boolean;
  /** Where the server is set up with one. */
  basemap: boolean;
  /** Names of the bands that are shown as red, green and blue; empty: their natural colours. */
  bands: readonly string[];
  /** LOW,HIGH in percent of a band's values that become black and white; empty: as the server chooses. */
  stretch: string;
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
  basemap: true,
  bands: [],
  stretch: "",
};

/** An image of a scene. */
export interface SceneImage {
  sceneId: string;
  kind: "pre" | "post";
}

/** Which image a reviewer has put on each side of the swipe line; null: the one of the scene, before or after. */
export interface SideImages {
  left: SceneImage | null;
  right: SceneImage | null;
}

/** Nested outlines to choose from. */
export interface Proposal {
  outlines: NestedOutlines;
  /** Position of the one that is shown. */
  chosen: number;
  /** The landslide that they are outlines of; null for one that is to be drawn. */
  landslide: Landslide | null;
}

/**
 * The state of the page.
 *
 * @example
 * state.filters.value = { ...state.filters.value, region: "hokkaido" }; // set it
 * state.filters.subscribe((filters) => console.log(filters.region)); // follow it
 */
export const state = {
  serverInfo: new Signal<ServerInfo | null>(null),
  /** Name of the person who decides. */
  reviewer: new Signal(""),
  filters: new Signal<Filters>(NO_FILTERS),
  /** Why the server refuses the filters; null while it takes them. */
  filterError: new Signal<string | null>(null),
  order: new Signal<QueueOrder>("near"),
  queueName: new Signal<QueueName>("open"),
  /** Whether the queue holds only landslides within the map's view. */
  onlyInView: new Signal(false),
  /** Landslides to decide on, the next first. */
  queue: new Signal<readonly Landslide[]>([]),
  /** Whether the server has answered with the queue; an empty one is at its end only then. */
  queueAnswer: new Signal<"awaited" | "given" | "failed">("awaited"),
  progress: new Signal<ReviewProgress | null>(null),
  /** The landslide that decisions are made on. */
  current: new Signal<Landslide | null>(null),
  /** History of the current landslide; null until the server has sent it. */
  details: new Signal<LandslideDetails | null>(null),
  scenes: new Signal<readonly Scene[]>([]),
  /** The scene whose images lie on top, with its dates and its shift. */
  scene: new Signal<Scene | null>(null),
  display: new Signal<DisplayOptions>(DEFAULT_DISPLAY),
  sideImages: new Signal<SideImages>({ left: null, right: null }),
  mode: new Signal<Mode>("look"),
  /** Which images the mode `shift` moves. */
  shiftTarget: new Signal<ShiftTarget>("both"),
  /** How the pointer selects in mode `select`. */
  selectTool: new Signal<"box" | "lasso">("box"),
  /** What is selected in mode `select`; null while nothing is. */
  selection: new Signal<Selection | null>(null),
  /** The points that mode `measure` has so far: longitude, latitude. */
  measured: new Signal<readonly [number, number][]>([]),
  /** The heights at these points, metres, once the server has sent them; null where it has no elevation model. */
  measuredHeights: new Signal<readonly (number | null)[] | null>(null),
  /** Whether the form is open in which the current landslide is described. */
  describing: new Signal(false),
  editTool: new Signal<EditTool>("corners"),
  /** The nested outlines of mode `outline`, once the server has found them. */
  proposal: new Signal<Proposal | null>(null),
  /** How many decisions the server does not have yet, and why; the reason is null while they can be sent. */
  pending: new Signal<{ count: number; reason: string | null }>({ count: 0, reason: null }),
  /** Decisions with a shape that the server has refused: the reviewer corrects or drops them. */
  refused: new Signal<readonly RefusedDecision[]>([]),
  /** The actions that undo and redo would apply to; null where there is none. */
  undoable: new Signal<{ undo: string | null; redo: string | null }>({ undo: null, redo: null }),
  /** Counts what others have changed since the page was loaded. */
  changeCount: new Signal(0),
  dashboardOpen: new Signal(false),
  settingsOpen: new Signal(false),
  /** Whether the first steps are shown. */
  introOpen: new Signal(false),
  placesOpen: new Signal(false),
};

/** Change some of the display options. */
export const setDisplay = (change: Partial<DisplayOptions>): void => {
  state.display.value = { ...state.display.value, ...change };
};

/** What is shown to somebody who may not decide and tries to. */
export const READ_ONLY =
  "This page is read-only: deciding needs `tsmu serve --write` and, where a token is asked for, a reviewer's";

/** Whether this person may decide on this server. */
export const mayDecide = (): boolean => {
  const info = state.serverInfo.value;
  return !!info?.write && info.person.role !== "viewer";
};

/** Whether this person only judges and comments, in a blind review: adjudicators change outlines and what is settled. */
export const onlyJudges = (): boolean => {
  const blind = state.serverInfo.value?.blind;
  return !!blind && !blind.adjudicates;
};
