// What the part of the page's address after `#` says: which landslide is chosen and where the map looks.
import type { Camera } from "./mercator.ts";

/** What a link leads to. */
export interface Place {
  /** Id of the landslide that is chosen. */
  id?: string;
  /** Where the map looks; without it, at the landslide. */
  camera?: Camera;
}

const MAX_ZOOM = 24;

/**
 * Write the hash of a link.
 *
 * @example
 * formatHash({ camera: { center: [141.9375, 42.69167], zoom: 14 } }); // "#map=14.00/42.69167/141.93750"
 */
export function formatHash({ id, camera }: Place): string {
  const parts: string[] = [];
  if (id) parts.push(`id=${encodeURIComponent(id)}`);
  if (camera) {
    const [longitude, latitude] = camera.center;
    parts.push(`map=${camera.zoom.toFixed(2)}/${latitude.toFixed(5)}/${longitude.toFixed(5)}`);
  }
  return `#${parts.join("&")}`;
}

/** Read a link, or the part of it from `#` on; null where it leads nowhere. */
export function parseHash(link: string): Place | null {
  const [, hash = ""] = link.split("#", 2);
  const values = new URLSearchParams(hash);
  const id = values.get("id");
  const camera = parseCamera(values.get("map"));
  return id || camera ? { ...(id ? { id } : {}), ...(camera ? { camera } : {}) } : null;
}

/** Read ZOOM/LATITUDE/LONGITUDE; null where it is none. */
function parseCamera(text: string | null): Camera | null {
  const parts = text?.split("/") ?? [];
  const [zoom, latitude, longitude] = parts.map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (parts.length !== 3 || zoom === undefined || latitude === undefined || longitude === undefined) return null;
  const isPlace = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && zoom >= 0 && zoom <= MAX_ZOOM;
  return isPlace ? { center: [longitude, latitude], zoom } : null;
}
