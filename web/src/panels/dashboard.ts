// Numbers: what there is, how far the review is, how right the model was, how far people agree.
import { getBlob, getJson } from "../server/api.ts";
import { byId, el } from "../lib/dom.ts";
import { formatArea, formatCount, formatName, formatPercent } from "../lib/format.ts";
import { showNotice } from "../lib/notice.ts";
import { STATUS_COLOURS } from "../map/palette.ts";
import { filterParameters } from "../review/queue.ts";
import { state } from "../state.ts";
import type { DashboardFigures, Status } from "../server/types.ts";

const STATUSES = ["candidate", "confirmed", "rejected"] as const;
type CountedStatus = (typeof STATUSES)[number];
const STATUS_FILLS: Record<CountedStatus, string> = {
  candidate: STATUS_COLOURS.open,
  confirmed: STATUS_COLOURS.confirmed,
  rejected: STATUS_COLOURS.rejected,
};
type Sums = Record<CountedStatus, number> & { area_m2: number };

export function connectDashboard(): void {
  const panel = byId("dashboard");
  state.dashboardOpen.subscribe((open) => {
    panel.hidden = !open;
    if (open) void renderDashboard();
  });
  state.filters.subscribe(() => {
    if (state.dashboardOpen.value) void renderDashboard();
  });
}

async function renderDashboard(): Promise<void> {
  try {
    const figures = await getJson<DashboardFigures>("dashboard", filterParameters());
    byId("dashboard").replaceChildren(
      el(
        "div",
        { class: "dashboard-head" },
        el("h2", {}, "Dashboard"),
        el("span", { class: "quiet" }, filterSummary()),
        exportButtons(),
      ),
      keyFigures(figures),
      el(
        "div",
        { class: "cards" },
        groupCard("Regions", figures, (row) => formatName(row.region)),
        groupCard("Months", figures, (row) => row.month ?? "unknown"),
        modelCard(figures),
        agreementCard(figures),
      ),
    );
  } catch (error) {
    showNotice(`The dashboard cannot be read: ${(error as Error).message}`, "bad");
  }
}

function filterSummary(): string {
  const active = Object.entries(filterParameters()).filter(([, value]) => value);
  return active.length
    ? `Filtered: ${active.map(([name, value]) => `${name} ${value}`).join(" · ")}`
    : "The whole survey; the filters of the queue hold here, too";
}

function exportButtons(): HTMLElement {
  const save = async (suffix: string): Promise<void> => {
    try {
      const link = el("a", {
        href: URL.createObjectURL(await getBlob(`export.${suffix}`, filterParameters())),
        download: `landslides.${suffix}`,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      showNotice(`Not exported: ${(error as Error).message}`, "bad");
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

function keyFigures({ progress, counts, disputed }: DashboardFigures): HTMLElement {
  const of = (status: Status): number =>
    counts.filter((row) => row.status === status).reduce((sum, row) => sum + row.landslides, 0);
  const confirmed = counts.filter((row) => row.status === "confirmed").reduce((sum, row) => sum + row.area_m2, 0);
  const figures: [string, string][] = [
    [`${formatCount(progress.decided)} of ${formatCount(progress.total)}`, "decided"],
    [formatCount(of("confirmed")), "confirmed"],
    [formatCount(of("rejected")), "rejected"],
    [formatArea(confirmed), "confirmed area"],
    [formatCount(disputed), "disputed"],
  ];
  return el(
    "div",
    { class: "figures" },
    ...figures.map(([value, what]) => el("div", {}, el("b", {}, value), el("span", {}, what))),
  );
}

function groupCard(
  title: string,
  { counts }: DashboardFigures,
  of: (row: DashboardFigures["counts"][number]) => string,
): HTMLElement {
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
      ...STATUSES.map((status) => formatCount(sum[status])),
      formatArea(sum.area_m2),
      bar(STATUSES.map((status) => [sum[status] / most, STATUS_FILLS[status]])),
    ]),
  );
}

const total = (sum: Sums): number => STATUSES.reduce((all, status) => all + sum[status], 0);

function modelCard({ model: rows }: DashboardFigures): HTMLElement {
  return card(
    "Model against reviewers",
    ["", "bundle", "right", "wrong", "missed", "precision", "recall", ""],
    rows.map((row) => [
      formatName(row.region),
      row.bundle,
      formatCount(row.confirmed),
      formatCount(row.rejected),
      formatCount(row.missed),
      formatPercent(row.precision),
      formatPercent(row.recall),
      bar([[row.precision ?? 0, STATUS_COLOURS.confirmed]]),
    ]),
    "Nobody has decided yet.",
  );
}

function agreementCard({ reviewers: rows }: DashboardFigures): HTMLElement {
  return card(
    "Reviewers among themselves",
    ["", "landslides", "same", "Cohen's kappa"],
    rows.map(({ reviewers, landslides, same, kappa }) => [
      reviewers.join(" and "),
      formatCount(landslides),
      formatPercent(same / landslides),
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
