// Numbers, dates, places and names as they are written on the page.

const wholeNumber = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Write a number of things with thousands separators: 12345 as `12,345`. */
export const formatCount = (value: number): string => wholeNumber.format(value);

/** Write a number of things with their noun, and a verb where one stands with it: `1 decision`, `2 decisions`. */
export const formatCounted = (value: number, noun: string, plural = `${noun}s`): string =>
  `${formatCount(value)} ${value === 1 ? noun : plural}`;

/** Write an area given in m² in m², ha or km². */
export function formatArea(squareMetres: number): string {
  if (squareMetres < 1e4) return `${wholeNumber.format(squareMetres)} m²`;
  if (squareMetres < 1e6) return `${(squareMetres / 1e4).toFixed(squareMetres < 1e5 ? 2 : 1)} ha`;
  return `${(squareMetres / 1e6).toFixed(2)} km²`;
}

/** Write a length given in m in m or km. */
export const formatLength = (metres: number): string =>
  metres < 1000 ? `${wholeNumber.format(metres)} m` : `${(metres / 1000).toFixed(metres < 1e4 ? 2 : 1)} km`;

/** Write a share of 0 to 1 in percent; null as a dash. */
export const formatPercent = (share: number | null): string => (share === null ? "–" : `${Math.round(share * 100)} %`);

/** Write an interval of ISO dates; an end that is not known as `…`. */
export function formatDays(first: string | null, last: string | null): string {
  if (!first && !last) return "date unknown";
  if (first === last) return first ?? "";
  return `${first ?? "…"} – ${last ?? "…"}`;
}

/** Write degrees as latitude and longitude with hemispheres, always with as many decimals so that nothing moves. */
export function formatCoordinates(longitude: number, latitude: number): string {
  const withHemisphere = (value: number, positive: string, negative: string): string =>
    `${Math.abs(value).toFixed(5)}° ${value < 0 ? negative : positive}`;
  return `${withHemisphere(latitude, "N", "S")}  ${withHemisphere(longitude, "E", "W")}`;
}

/** Write the name of a region or bundle with spaces in place of underscores. */
export const formatName = (name: string | null): string => name?.replaceAll("_", " ") ?? "no region";
