// Numbers: what there is, how far the review is, how right the model was, how far people agree.
import { download, get } from "../server/api.ts";
import { by, el } from "../lib/dom.ts";
import { area, count, named, percent } from "../lib/format.ts";
import { say } from "../lib/notice.ts";
import { COLOURS } from "../map/palette.ts";
import { conditions } from "../review/queue.ts";
import { state } from "../state.ts";
import type { Dashboard, Status } from "../server/types.ts";

const STATUSES = ["candidate", "confirmed", "rejected"] as const;
type Shown = (typeof STATUSES)[number];
const FILL: Record<Shown, string> = {
  candidate: COLOURS.open,
  confirmed: COLOURS.confirmed,
  rejected: COLOURS.rejected,
};
type Sums = Record<Shown, number> & { area_m2: number };

export function followDashboard(): void {
  const panel = by("dashboard");
  state.dashboard.watch((open) => {
    panel.hidden = !open;
    if (open) void draw();
  });
  state.filters.watch(() => {
    if (state.dashboard.value) void draw();
  });
}

async function draw(): Promise<void> {
  try {
    const told = await get<Dashboard>("dashboard", conditions());
    by("dashboard").replaceChildren(
      el(
        "div",
        { class: "dashboard-head" },
        el("h2", {}, "Dashboard"),
        el("span", { class: "quiet" }, filtered()),
        exports(),
      ),
      numbers(told),
      el(
        "div",
        { class: "cards" },
        byGroup("Regions", told, (row) => named(row.region)),
        byGroup("Months", told, (row) => row.month ?? "unknown"),
        model(told),
        people(told),
      ),
    );
  } catch (error) {
    say(`The dashboard cannot be read: ${(error as Error).message}`, "bad");
  }
}

function filtered(): string {
  const said = Object.entries(conditions()).filter(([, value]) => value);
  return said.length
    ? `Filtered: ${said.map(([name, value]) => `${name} ${value}`).join(" · ")}`
    : "The whole survey; the filters of the queue hold here, too";
}

function exports(): HTMLElement {
  const save = async (suffix: string): Promise<void> => {
    try {
      const link = el("a", {
        href: URL.createObjectURL(await download(`export.${suffix}`, conditions())),
        download: `landslides.${suffix}`,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      say(`Not exported: ${(error as Error).message}`, "bad");
    }
  };
  const kinds: [string, string][] = [
    ["gpkg", "GeoPackage"],
    ["geojson", "GeoJSON"],
    ["csv", "CSV"],
  ];
  return el(
    "span",
    { class: "exports" },
    "Export what is filtered",
    ...kinds.map(([suffix, name]) => el("button", { type: "button", click: () => void save(suffix) }, name)),
  );
}

function numbers({ progress, counts, disputed }: Dashboard): HTMLElement {
  const of = (status: Status): number =>
    counts.filter((row) => row.status === status).reduce((sum, row) => sum + row.landslides, 0);
  const confirmed = counts.filter((row) => row.status === "confirmed").reduce((sum, row) => sum + row.area_m2, 0);
  const figures: [string, string][] = [
    [`${count(progress.decided)} of ${count(progress.total)}`, "decided"],
    [count(of("confirmed")), "confirmed"],
    [count(of("rejected")), "rejected"],
    [area(confirmed), "confirmed area"],
    [count(disputed), "disputed"],
  ];
  return el(
    "div",
    { class: "figures" },
    ...figures.map(([value, what]) => el("div", {}, el("b", {}, value), el("span", {}, what))),
  );
}

function byGroup(title: string, { counts }: Dashboard, of: (row: Dashboard["counts"][number]) => string): HTMLElement {
  const sums = new Map<string, Sums>();
  for (const row of counts) {
    const sum = sums.get(of(row)) ?? { candidate: 0, confirmed: 0, rejected: 0, area_m2: 0 };
    if (row.status !== "merged") sum[row.status] += row.landslides;
    sum.area_m2 += row.area_m2;
    sums.set(of(row), sum);
  }
  const rows = [...sums].sort(([a], [b]) => a.localeCompare(b));
  const most = Math.max(...rows.map(([, sum]) => total(sum)), 1);
  return card(
    title,
    ["", "open", "confirmed", "rejected", "area", ""],
    rows.map(([name, sum]) => [
      name,
      ...STATUSES.map((status) => count(sum[status])),
      area(sum.area_m2),
      bar(STATUSES.map((status) => [sum[status] / most, FILL[status]])),
    ]),
  );
}

const total = (sum: Sums): number => STATUSES.reduce((all, status) => all + sum[status], 0);

function model({ model: rows }: Dashboard): HTMLElement {
  return card(
    "Model against reviewers",
    ["", "bundle", "right", "wrong", "missed", "precision", "recall", ""],
    rows.map((row) => [
      named(row.region),
      row.bundle,
      count(row.confirmed),
      count(row.rejected),
      count(row.missed),
      percent(row.precision),
      percent(row.recall),
      bar([[row.precision ?? 0, COLOURS.confirmed]]),
    ]),
    "Nobody has decided yet.",
  );
}

function people({ reviewers: rows }: Dashboard): HTMLElement {
  return card(
    "Reviewers among themselves",
    ["", "landslides", "same", "Cohen's kappa"],
    rows.map(({ reviewers, landslides, same, kappa }) => [
      reviewers.join(" and "),
      count(landslides),
      percent(same / landslides),
      kappa === null ? "–" : kappa.toFixed(2),
    ]),
    "No two reviewers have decided on one landslide yet.",
  );
}

function card(title: string, heads: string[], rows: (string | Node)[][], otherwise = "Nothing is there."): HTMLElement {
  return el(
    "section",
    { class: "card" },
    el("h3", {}, title),
    rows.length
      ? el(
          "table",
          {},
          el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
          el(
            "tbody",
            {},
            ...rows.map((row) =>
              el(
                "tr",
                {},
                ...row.map((cell, place) => (place ? el("td", {}, cell) : el("th", { scope: "row" }, cell))),
              ),
            ),
          ),
        )
      : el("p", { class: "quiet" }, otherwise),
  );
}

/** A bar of parts, each a share of the whole width. */
function bar(parts: [number, string][]): SVGSVGElement {
  const make = (tag: string, attributes: Record<string, string>): SVGElement => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const svg = make("svg", {
    class: "bar",
    viewBox: "0 0 100 10",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  }) as SVGSVGElement;
  let left = 0;
  for (const [share, fill] of parts) {
    svg.append(make("rect", { x: String(left * 100), y: "0", height: "10", width: String(share * 100), fill }));
    left += share;
  }
  return svg;
}
