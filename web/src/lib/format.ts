// Numbers, days and places as people read them.

const wholeNumber = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const formatCount = (value: number): string => wholeNumber.format(value);

export function formatArea(squareMetres: number): string {
  if (squareMetres < 1e4) return `${wholeNumber.format(squareMetres)} m²`;
  if (squareMetres < 1e6) return `${(squareMetres / 1e4).toFixed(squareMetres < 1e5 ? 2 : 1)} ha`;
  return `${(squareMetres / 1e6).toFixed(2)} km²`;
}

export const formatPercent = (share: number | null): string => (share === null ? "–" : `${Math.round(share * 100)} %`);

export function formatDays(first: string | null, last: string | null): string {
  if (!first && !last) return "date unknown";
  if (first === last) return first ?? "";
  return `${first ?? "…"} – ${last ?? "…"}`;
}

/** Longitude and latitude with hemispheres, fixed in width so that nothing moves. */
export function formatCoordinates(longitude: number, latitude: number): string {
  const withHemisphere = (value: number, positive: string, negative: string): string =>
    `${Math.abs(value).toFixed(5)}° ${value < 0 ? negative : positive}`;
  return `${withHemisphere(latitude, "N", "S")}  ${withHemisphere(longitude, "E", "W")}`;
}

/** A name of a region or bundle as in a sentence. */
export const formatName = (name: string | null): string => name?.replaceAll("_", " ") ?? "no region";
