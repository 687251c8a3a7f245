// Coordinates as people write them: decimal degrees, or degrees, minutes and seconds, with or without hemispheres.

/** Longitude, latitude in degrees. */
type LngLat = [number, number];

/** A number with the sign and the unit that stand at it, or the letter of a hemisphere. */
type Token = { value: number; isNegative: boolean; isWhole: boolean; unit: string } | { letter: string };
type NumberToken = Extract<Token, { value: number }>;

const UNITS = ["°", "'", '"'];
const TOKEN = /([NSEW])|([+-]?)(\d+(?:\.\d+)?)(?:\s*([°'"]))?/y;

/**
 * Read the coordinates of a place: latitude first, unless letters say otherwise.
 *
 * @returns Longitude and latitude in degrees; null where the text is something else than coordinates.
 * @throws Error where it could be one of several places, or is none; the message says what to write.
 * @example
 * parseCoordinates("42.69167, 141.93750"); // [141.9375, 42.69167]
 * parseCoordinates(`42°41'30"N 141°56'15"E`); // [141.9375, 42.691667]
 * parseCoordinates("0190b5d8-0001-7000"); // null
 */
export function parseCoordinates(text: string): LngLat | null {
  const halves = splitInHalves(normalise(text));
  if (!halves) return null;
  const [first, second] = halves.map(readDegrees) as [Degrees, Degrees];
  if (!!first.axis !== !!second.axis) throw new Error("Write N, S, E or W at both numbers or at none");
  if (first.axis && first.axis === second.axis) throw new Error("Write one latitude and one longitude");
  const isLatitudeFirst = first.axis !== "longitude";
  const [latitude, longitude] = isLatitudeFirst ? [first.value, second.value] : [second.value, first.value];
  if (Math.abs(latitude) > 90)
    throw new Error(`${latitude} is no latitude: write the latitude first, or N, S, E and W at the numbers`);
  if (Math.abs(longitude) > 180) throw new Error(`${longitude} is no longitude: write one of -180 to 180`);
  return [longitude, latitude];
}

/** The text with one sign for each unit, and with decimal points where two numbers with decimal commas stand in it. */
function normalise(text: string): string {
  const plain = text
    .trim()
    .toUpperCase()
    .replace(/[º˚]/g, "°")
    .replace(/[′’‘´`]/g, "'")
    .replace(/[″”“]|''/g, '"')
    .replace(/[−–]/g, "-");
  const hasDecimalCommas = /^\D*\d+,\d+\D*[\s;]\D*\d+,\d+\D*$/.test(plain) && !/,\s|\./.test(plain);
  return hasDecimalCommas ? plain.replace(/(\d),(\d)/g, "$1.$2") : plain;
}

/** The tokens of the two coordinates; null where the text has anything else in it. */
function splitInHalves(text: string): [Token[], Token[]] | null {
  const parts = text.split(/[,;/]/);
  const tokens = parts.map(tokensOf);
  if (tokens.some((part) => part === null) || parts.length > 2) return null;
  const [first, second] = tokens as [Token[], Token[] | undefined];
  const halves = second ? ([first, second] as [Token[], Token[]]) : splitTokens(first);
  return halves?.every((half) => half.some((token) => "value" in token)) ? halves : null;
}

function tokensOf(text: string): Token[] | null {
  const tokens: Token[] = [];
  const rest = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < rest.length) {
    const match = TOKEN.exec(rest);
    if (!match) return null;
    const [, letter, sign, digits = "", unit = ""] = match;
    if (letter) tokens.push({ letter });
    else tokens.push({ value: Number(digits), isNegative: sign === "-", isWhole: !digits.includes("."), unit });
    const space = /\s*/y;
    space.lastIndex = TOKEN.lastIndex;
    space.exec(rest);
    const isGlued = letter === undefined && unit === "" && space.lastIndex === TOKEN.lastIndex;
    if (isGlued && /[\d+-]/.test(rest[space.lastIndex] ?? "")) return null; // such as 2024-05-01
    TOKEN.lastIndex = space.lastIndex;
  }
  return tokens;
}

/** Divide tokens without a separator: at the letters, else in the middle. */
function splitTokens(tokens: Token[]): [Token[], Token[]] | null {
  const letters = tokens.flatMap((token, index) => ("letter" in token ? [index] : []));
  const [firstLetter, secondLetter] = letters;
  let place = tokens.length / 2;
  if (firstLetter === 0) place = secondLetter ?? place;
  else if (firstLetter !== undefined) place = firstLetter + 1;
  if (tokens.length < 2) return null;
  if (!Number.isInteger(place)) throw new Error("Write a comma between latitude and longitude");
  return [tokens.slice(0, place), tokens.slice(place)];
}

interface Degrees {
  value: number;
  /** What the letter of a hemisphere says; null without one. */
  axis: "latitude" | "longitude" | null;
}

/** Read one coordinate: degrees, and perhaps minutes and seconds. */
function readDegrees(tokens: Token[]): Degrees {
  const letters = tokens.flatMap((token) => ("letter" in token ? [token.letter] : []));
  const numbers = tokens.filter((token): token is NumberToken => "value" in token);
  const isLetterAtEnd = tokens.slice(1, -1).every((token) => "value" in token);
  const isInOrder = numbers.every(({ unit }, index) => unit === "" || unit === UNITS[index]);
  const isWholeBefore = numbers.slice(0, -1).every(({ isWhole }) => isWhole);
  const isSignedOnce = numbers.slice(1).every(({ isNegative }) => !isNegative);
  if (letters.length > 1 || !isLetterAtEnd || numbers.length > 3 || !isInOrder || !isWholeBefore || !isSignedOnce)
    throw new Error("Write coordinates as 42.6917, 141.9375 or 42°41'30\"N 141°56'15\"E");
  const [degrees, minutes = 0, seconds = 0] = numbers.map(({ value }) => value) as [number, number?, number?];
  if (minutes >= 60 || seconds >= 60) throw new Error("Minutes and seconds go up to 59");
  const [letter] = letters;
  const isNegative = numbers[0]?.isNegative ?? false;
  if (letter && isNegative) throw new Error(`Write a minus or ${letter}, not both`);
  const sign = isNegative || letter === "S" || letter === "W" ? -1 : 1;
  const axis = letter ? (letter === "N" || letter === "S" ? "latitude" : "longitude") : null;
  return { value: sign * (degrees + minutes / 60 + seconds / 3600), axis };
}
