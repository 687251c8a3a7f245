// Lengths and areas on the ellipsoid of WGS 84. Places are longitude, latitude in degrees.
type LngLat = [number, number];

const EQUATOR_RADIUS = 6_378_137; // m
const ECCENTRICITY_SQUARED = 0.006_694_379_990_14;
const ECCENTRICITY = Math.sqrt(ECCENTRICITY_SQUARED);
const RADIANS = Math.PI / 180;

/**
 * The length of a line in m.
 *
 * Each part is measured with the radii of curvature at its middle: up to 100 km long it is right to 0.1 %.
 */
export function lineLength(line: readonly LngLat[]): number {
  return line.slice(1).reduce((sum, place, index) => sum + distance(line[index] ?? place, place), 0);
}

function distance([longitude, latitude]: LngLat, [otherLongitude, otherLatitude]: LngLat): number {
  const middle = ((latitude + otherLatitude) / 2) * RADIANS;
  const flatness = 1 - ECCENTRICITY_SQUARED * Math.sin(middle) ** 2;
  const acrossRadius = EQUATOR_RADIUS / Math.sqrt(flatness);
  const alongRadius = (EQUATOR_RADIUS * (1 - ECCENTRICITY_SQUARED)) / flatness ** 1.5;
  const north = (otherLatitude - latitude) * RADIANS * alongRadius;
  const east = longitudeDifference(longitude, otherLongitude) * RADIANS * acrossRadius * Math.cos(middle);
  return Math.hypot(north, east);
}

/** The slope in degrees of a line that is so long on the map, m, and whose ends differ in height by `drop`, m. */
export const meanSlope = (drop: number, length: number): number => Math.atan2(Math.abs(drop), length) / RADIANS;

/**
 * The area in m² that a line encloses when its end is joined with its beginning.
 *
 * Exact on the ellipsoid but for the sides, which are straight in the cylindrical equal-area projection (Snyder,
 * Map Projections: A Working Manual, 1987, equations 3-12 and 10-15).
 */
export function enclosedArea(line: readonly LngLat[]): number {
  const twice = line.reduce((sum, [longitude, latitude], index) => {
    const [nextLongitude, nextLatitude] = line[(index + 1) % line.length] ?? [longitude, latitude];
    const width = longitudeDifference(longitude, nextLongitude) * RADIANS;
    return sum + width * (authalicHeight(latitude) + authalicHeight(nextLatitude));
  }, 0);
  return (Math.abs(twice) * EQUATOR_RADIUS ** 2) / 4;
}

/** Snyder's q: half of it is how high above the equator a parallel lies in the projection, in equatorial radii. */
function authalicHeight(latitude: number): number {
  const sine = Math.sin(latitude * RADIANS);
  const scaled = ECCENTRICITY * sine;
  const logarithm = Math.log((1 - scaled) / (1 + scaled)) / (2 * ECCENTRICITY);
  return (1 - ECCENTRICITY_SQUARED) * (sine / (1 - scaled ** 2) - logarithm);
}

/** Degrees from one longitude to another, the short way round. */
function longitudeDifference(from: number, to: number): number {
  return ((((to - from) % 360) + 540) % 360) - 180;
}
