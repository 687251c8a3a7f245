// The JSON of the server's API, which its /docs describe in full. Geometry is GeoJSON in degrees (EPSG:4326).
import type { Geometry, Polygon } from "geojson";
import type { Bounds, Outline } from "../lib/geometry.ts";

export type Status = "candidate" | "confirmed" | "rejected" | "merged";
/** How far the review of a landslide has come; `withdrawn` ones are not to be decided on. */
export type ReviewState = "open" | "accepted" | "rejected" | "unsure" | "bad imagery" | "disputed" | "withdrawn";
/** What a reviewer can say of a landslide as it is. */
export type Verdict = "accept" | "reject" | "unsure" | "bad imagery";
export type Action = Verdict | "comment" | "describe" | "merge" | "split" | "edit" | "draw" | "undo";

/** What a survey records of a landslide; null is unknown. */
export type AttributeName = "movement_type" | "material" | "trigger" | "confidence";
export type Attributes = Partial<Record<AttributeName, string | null>>;

/** One version of a landslide's record. */
export interface LandslideProperties extends Attributes {
  id: string;
  status: Status;
  review_state: ReviewState;
  area_m2: number;
  region: string | null;
  /** First and last day on which it can have happened, as ISO dates. */
  date_min: string | null;
  date_max: string | null;
  event_id: string | null;
  version: number;
  /** Whether a mapping run or a person made this version. */
  author: "run" | "person";
  /** `run ID`, or the person's name. */
  changed_by: string;
  changed_at: string;
  change_reason: string | null;
}

/** A landslide as a GeoJSON feature: its newest version. */
export interface Landslide {
  type: "Feature";
  id: string;
  geometry: Outline;
  properties: LandslideProperties;
}

export interface LandslideCollection {
  type: "FeatureCollection";
  features: Landslide[];
}

/** How many landslides are in each state of the review; the filters hold. */
export interface ReviewProgress extends Record<Exclude<ReviewState, "withdrawn">, number> {
  /** Those that are accepted or rejected. */
  decided: number;
  total: number;
}

/** The answer of `queue`: the next landslides to decide on, and the progress. */
export interface QueueResponse extends LandslideCollection {
  progress: ReviewProgress;
}

/** One delineation of a landslide, by a model or by a person, from the images of a scene. */
export interface Observation {
  scene_id: string;
  scene: string;
  /** Who drew it; null where a model did. */
  mapper: string | null;
  /** The model version; null where a person drew it. */
  bundle: string | null;
  /** Probabilities of 0 to 1 within the outline. */
  max_probability: number | null;
  mean_probability: number | null;
  /** Mean standard deviation of the probability over the views of test-time augmentation (`--tta`). */
  mean_deviation: number | null;
}

/** The answer of `landslides/ID`: a landslide with its history. */
export interface LandslideDetails {
  feature: Landslide;
  versions: LandslideProperties[];
  observations: Observation[];
  reviews: { action: string | null; by: string; at: string; why: string | null }[];
  /** The last verdict of each reviewer that may be seen; `blind` ones were given without seeing others. */
  verdicts: { by: string; verdict: string; blind: boolean }[];
  /** Whether the verdicts differ. */
  disputed: boolean;
}

export type OutlineSource = "probability" | "image";

/** The answer of `scenes/ID/outlines` and `landslides/ID/outlines`. */
export interface NestedOutlines {
  source: OutlineSource;
  /** Position of the outline to show first. */
  start: number;
  /** From small to large, each within the next one. */
  outlines: {
    /** The probability of 0 to 1 that it encloses; null where images gave it. */
    level: number | null;
    area_m2: number;
    geometry: Polygon;
  }[];
}

export type ImageLayer = "pre" | "post" | "probability" | "uncertainty" | "hillshade";

/** The answer of `elevations`: metres at each corner of a line, null where the elevation model says nothing. */
export interface Elevations {
  elevations: (number | null)[];
}

/** By how many metres a scene's images are shown off their georeference; null is not at all. */
export interface ImageShift {
  shift_east_m: number | null;
  shift_north_m: number | null;
  /** Of the image before; null where it is moved as all others are. */
  pre_shift_east_m: number | null;
  pre_shift_north_m: number | null;
}

/** A mapped scene: its images before and after the event, and what was computed from them. */
export interface Scene extends ImageShift {
  id: string;
  name: string;
  date_pre: string | null;
  date_post: string | null;
  /** Pixel size in m. */
  gsd_m: number | null;
  bounds: Bounds;
  layers: ImageLayer[];
  /** What tells the present files of the layers from earlier ones, as a part of their tiles' URLs. */
  versions: Partial<Record<ImageLayer, string>>;
  /** The names of the bands of the images. */
  bands: Partial<Record<ImageLayer, string[]>>;
  /** The names of image files that the scene has but that are not on the server's machine. */
  missing: Partial<Record<ImageLayer, string>>;
}

/** The answer of `info`: what the server shows, and to whom. */
export interface ServerInfo {
  /** Names the database in the browser's storage. */
  survey: string;
  name: string;
  /** From where on `changes` tells what changes. */
  mark: string;
  /** Whether the server takes decisions; without it everything is read-only. */
  write: boolean;
  /** Whether the server asks for a token. */
  tokens: boolean;
  person: { name: string; role: "viewer" | "reviewer" | "adjudicator" };
  /** Those to whom areas are given. */
  assigned: string[];
  /** In a blind review how many people judge each landslide, and whether this person settles what they differ on. */
  blind: { judges: number; adjudicates: boolean } | null;
  /** The words that landslides are described by. */
  attributes: Record<AttributeName, string[]>;
  /** A map of somebody else's below the images: the URL of its tiles, and whom it is by. */
  basemap: { url: string; credit: string } | null;
  regions: string[];
  events: string[];
}

/** One decision of a person, as it is told to all open pages. */
export interface DecisionNews {
  decision_id: string;
  landslide_id: string;
  by: string;
  /** Null where only a status was set. */
  action: Action | null;
  status_after: Status;
  why: string;
}

/** What has changed in the database since the event before. */
export interface ChangeEvent {
  /** How many landslides are new or changed, and which; of very many not all are named. */
  landslides: number;
  ids: string[];
  decisions: DecisionNews[];
  /** How many mapping runs came in. */
  runs: number;
  /** Whether there are other scenes, or some were moved. */
  scenes: boolean;
}

/** What a decision did to one landslide. */
export interface VersionChange {
  id: string;
  /** Null where the decision made the landslide. */
  version_before: number | null;
  version_after: number;
  status: Status;
}

/** The body of a decision. The page makes its id, so that the server makes it once however often it is sent. */
export interface Decision {
  id: string;
  action: Action;
  /** The version that the reviewer saw, by landslide id; in a merge the first landslide stays. */
  landslides?: Record<string, number>;
  /** The outline for `edit` and `draw`, the cutting line for `split`. */
  geometry?: Geometry;
  /** For `describe`: what is said anew. */
  attributes?: Attributes;
  scene?: string;
  region?: string;
  /** For `undo`: the id of the decision to undo, which may be an undo itself. */
  undoes?: string;
  why?: string;
  by: string;
}

/** The answer of `selection`: the versions of landslides by their ids, and their area together in m². */
export interface Selection {
  landslides: Record<string, number>;
  area_m2: number;
}

/** The answer to a decision. */
export interface DecisionResult {
  id: string;
  changes: VersionChange[];
  /** Whether the server had made this decision before. */
  repeated: boolean;
  /** What was changed in a drawn outline so that it is valid. */
  repairs: string[];
  /** Ids of landslides that a decision on many was not made on: somebody has changed them since. */
  left_out?: string[];
}

/** Two reviewers: on how many landslides both decided, on how many alike, their share of 0 to 1; Cohen's kappa. */
export interface Agreement {
  reviewers: [string, string];
  landslides: number;
  same: number;
  agreement: number;
  kappa: number | null;
}

/** The answer of `dashboard`. */
export interface DashboardFigures {
  progress: ReviewProgress;
  counts: {
    region: string | null;
    status: Status;
    review_state: ReviewState;
    month: string | null;
    landslides: number;
    area_m2: number;
  }[];
  /**
   * The model's candidates against what reviewers decided; precision and recall of 0 to 1.
   *
   * Recall is of the landslides where the model mapped and a person has drawn every landslide; it and the counts there
   * are null where there is no such area.
   */
  model: {
    region: string | null;
    bundle: string;
    confirmed: number;
    rejected: number;
    precision: number | null;
    true_there: number | null;
    found_there: number | null;
    undecided_there: number | null;
    recall: number | null;
  }[];
  /** On how many landslides each reviewer has decided, and how; who has decided most comes first. */
  work: ({ by: string; landslides: number } & Record<Verdict, number>)[];
  /** Pairs of reviewers who decided on the same landslides, where each could see what the other had decided. */
  reviewers: Agreement[];
  /** Pairs of reviewers who judged the same landslides in a blind review. */
  blind: Agreement[];
  disputed: number;
  /** How far each area that is given to reviewers has come, person by person. */
  areas: { area: string; reviewer: string; landslides: number; decided: number; open: number }[];
}
