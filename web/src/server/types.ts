// What the server says and is told; see /docs on the server.
import type { Geometry, MultiPolygon, Polygon } from "geojson";

export type Status = "candidate" | "confirmed" | "rejected" | "merged";
export type Verdict = "accept" | "reject" | "unsure" | "bad imagery" | "comment";
export type Action = Verdict | "merge" | "split" | "edit" | "draw" | "undo";
export type Outline = Polygon | MultiPolygon;

export interface LandslideProperties {
  id: string;
  status: Status;
  area_m2: number;
  region: string | null;
  date_min: string | null;
  date_max: string | null;
  event_id: string | null;
  version: number;
  author: "run" | "person";
  changed_by: string;
  changed_at: string;
  change_reason: string | null;
}

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

export interface ReviewProgress {
  decided: number;
  total: number;
}

export interface Observation {
  scene_id: string;
  scene: string;
  mapper: string | null;
  bundle: string | null;
  max_probability: number | null;
  mean_probability: number | null;
  mean_deviation: number | null;
}

export interface LandslideDetails {
  feature: Landslide;
  versions: LandslideProperties[];
  observations: Observation[];
  reviews: { action: string | null; by: string; at: string; why: string | null }[];
  verdicts: { by: string; verdict: string }[];
  disputed: boolean;
}

export type ImageLayer = "pre" | "post" | "probability" | "uncertainty" | "hillshade";

export interface Scene {
  id: string;
  name: string;
  date_pre: string | null;
  date_post: string | null;
  gsd_m: number | null;
  shift_east_m: number | null;
  shift_north_m: number | null;
  bounds: [number, number, number, number];
  layers: ImageLayer[];
}

export interface ServerInfo {
  survey: string;
  name: string;
  write: boolean;
  tokens: boolean;
  person: { name: string; role: "viewer" | "reviewer" };
  regions: string[];
  events: string[];
}

export interface VersionChange {
  id: string;
  version_before: number | null;
  version_after: number;
  status: Status;
}

/** A decision as it is sent; its id is made here, so that sent again it is made once. */
export interface Decision {
  id: string;
  action: Action;
  landslides?: Record<string, number>;
  geometry?: Geometry;
  scene?: string;
  region?: string;
  undoes?: string;
  why?: string;
  by: string;
}

export interface DashboardFigures {
  progress: ReviewProgress;
  counts: { region: string | null; status: Status; month: string | null; landslides: number; area_m2: number }[];
  model: {
    region: string | null;
    bundle: string;
    confirmed: number;
    rejected: number;
    missed: number;
    precision: number | null;
    recall: number | null;
  }[];
  reviewers: { reviewers: [string, string]; landslides: number; same: number; kappa: number | null }[];
  disputed: number;
}
