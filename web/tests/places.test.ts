import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCoordinates } from "../src/lib/coordinates.ts";
import { formatHash, parseHash } from "../src/lib/link.ts";

const near = (text: string, longitude: number, latitude: number): void => {
  const place = parseCoordinates(text);
  assert.ok(place, text);
  assert.ok(Math.hypot(place[0] - longitude, place[1] - latitude) < 1e-6, `${text}: ${place}`);
};

test("coordinates are read as people write them", () => {
  for (const text of [
    "42.69167, 141.9375",
    "42.69167 141.9375",
    "42.69167,141.9375",
    "42.69167; 141.9375",
    "42,69167 141,9375",
    "42,69167; 141,9375",
    "42.69167° N  141.93750° E", // as the page shows them
    "42.69167n 141.9375e",
    "N42.69167 E141.9375",
    "141.9375E 42.69167N",
    "E 141.9375, N 42.69167",
  ])
    near(text, 141.9375, 42.69167);
  for (const text of [
    `42°41'30"N 141°56'15"E`,
    "42° 41′ 30″ N, 141° 56′ 15″ E",
    "42 41 30 N 141 56 15 E",
    "42 41 30, 141 56 15",
    "42 41 30 141 56 15",
    "42°41.5'N 141°56.25'E",
    "N42°41'30'' E141°56'15''",
  ])
    near(text, 141.9375, 42 + 41.5 / 60);
  near("-42.5, -71.25", -71.25, -42.5);
  near("42°30'S 71°15'W", -71.25, -42.5);
  near("-0°30', 0", 0, -0.5);
  near("−42.5 −71.25", -71.25, -42.5);
  near("42, 7", 7, 42);
});

test("what could be another place is refused, with what to write", () => {
  for (const [text, message] of [
    ["141.9, 42.7", /no latitude/],
    ["42.7, 191", /no longitude/],
    ["42.7N 141.9", /both numbers or at none/],
    ["42.7N 41.9S", /one latitude and one longitude/],
    ["-42.7S 141.9E", /minus or S/],
    ["42 61 30, 141 56 15", /up to 59/],
    ["42 41 30 141 56", /comma/],
    ["42.5 41 141.5 56", /Write coordinates as/],
    ["42' 41', 141' 30'", /Write coordinates as/],
  ] as const)
    assert.throws(() => parseCoordinates(text), message, text);
});

test("an id, a date or a name is no coordinates", () => {
  for (const text of [
    "01934e2a-7c1e-7b52-9f0a-2f7d1c9b8e44",
    "30193422-7001",
    "2024-05-01",
    "valley",
    "12",
    "",
    "N, E",
  ])
    assert.equal(parseCoordinates(text), null, text);
});

test("a link leads to a landslide, a view or both", () => {
  const camera = { center: [141.9375, -42.5] as [number, number], zoom: 14.25 };
  assert.equal(formatHash({ camera }), "#map=14.25/-42.50000/141.93750");
  assert.deepEqual(parseHash(formatHash({ camera })), { camera });
  assert.deepEqual(parseHash("https://example.org/review/#id=a%26b"), { id: "a&b" });
  assert.deepEqual(parseHash(formatHash({ id: "a&b=#", camera })), { id: "a&b=#", camera });
  for (const link of ["", "#", "#other=1", "#map=14/42", "#map=14/142/42", "#map=x/1/2", "#map=/1/2", "a-b"])
    assert.equal(parseHash(link), null, link);
});
