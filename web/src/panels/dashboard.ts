// The dashboard: progress, counts, the model against the reviewers, the reviewers against each other, and the export.
import { byId, el } from "../lib/dom.ts";
import { formatArea, formatCount, formatName, formatPercent } from "../lib/format.ts";
import { showNotice } from "../lib/notice.ts";
import { REVIEWED_STATES, STATE_COLOURS } from "../map/palette.ts";
import { filterParameters } from "../review/queue.ts";
import { getBlob, getJson } from "../server/api.ts";
import type { Agreement, DashboardFigures } from "../server/types.ts";
import { state } from "../state.ts";

type ReviewedState = (typeof REVIEWED_STATES)[number];
const EXPORT_FORMATS: [string, string][] = [
  ["gpkg", "GeoPackage"],
  ["geojson", "GeoJSON"],
  ["csv", "CSV"],
];
const DOWNLOAD_TIME = 60_000; // ms until a file made for a download is dropped

type CountRow = DashboardFigures["counts"][number];
/** Number of landslides by state, and their area together. */
type GroupSums = Record<ReviewedState, number> & { area_m2: number };

/** Show the dashboard while `state.dashboardOpen` is set; the filters hold in it. */
export function createDashboard(): void {
  const dialog = byId<HTMLDialogElement>("dashboard");
  dialog.addEventListener("close", () => {
    state.dashboardOpen.value = dialog.open; // it may be open again by now: the event comes later
  });
  state.dashboardOpen.subscribe((open) => {
    if (!open) return dialog.close();
    dialog.replaceChildren(dashboardHead());
    if (!dialog.open) dialog.showModal();
    void renderDashboard();
  });
  state.changeCount.subscribe(() => {
    if (state.dashboardOpen.value) void renderDashboard();
  });
}

/** What the dashboard has before its figures are there. */
function dashboardHead(): HTMLElement {
  const close = (): void => byId<HTMLDialogElement>("dashboard").close();
  return el(
    "div",
    { class: "dashboard-head" },
    el("h2", {}, "Dashboard"),
    el("span", { class: "quiet" }, filterSummary()),
    exportButtons(),
    el("button", { type: "button", class: "strong", autofocus: true, click: close }, "Close (Esc)"),
  );
}

async function renderDashboard(): Promise<void> {
  try {
    const figures = await getJson<DashboardFigures>("dashboard", filterParameters());
    byId("dashboard").append(
      keyFigures(figures),
      el(
        "div",
        { class: "cards" },
        groupCard("Regions", figures.counts, ({ region }) => formatName(region)),
        groupCard("Months", figures.counts, ({ month }) => month ?? "unknown"),
        modelCard(figures.model),
        workCard(figures.work),
        ...areasCard(figures.areas),
        ...agreementCards(figures),
      ),
    );
  } catch (error) {
    showNotice(`The dashboard cannot be read: ${(error as Error).message}`, "bad");
  }
}

function filterSummary(): string {
  const active = Object.entries(filterParameters()).filter(([, value]) => value);
  return active.length
    ? `Filtered: ${active.map(([name, value]) => `${name === "assigned_to" ? "areas of" : name} ${value}`).join(" · ")}`
    : "The whole survey; the filters of the queue hold here, too";
}

function exportButtons(): HTMLElement {
  const buttons = EXPORT_FORMATS.map(([suffix, name]) =>
    el("button", { type: "button", click: () => void exportLandslides(suffix) }, name),
  );
  return el("span", { class: "exports" }, "Export what is filtered", ...buttons);
}

/** Download the filtered landslides; through a request of the page's own, as a link cannot send the token. */
async function exportLandslides(suffix: string): Promise<void> {
  try {
    const file = await getBlob(`export.${suffix}`, filterParameters());
    const link = el("a", { href: URL.createObjectURL(file), download: `landslides.${suffix}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_TIME);
  } catch (error) {
    showNotice(`Not exported: ${(error as Error).message}`, "bad");
  }
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

function keyFigures({ progress, counts, disputed }: DashboardFigures): HTMLElement {
  const accepted = counts.filter(({ review_state }) => review_state === "accepted");
  const figures: [string, string][] = [
    [`${formatCount(progress.decided)} of ${formatCount(progress.total)}`, "decided"],
    ...REVIEWED_STATES.map((state): [string, string] => [formatCount(progress[state]), state]),
    [formatArea(sum(accepted.map((row) => row.area_m2))), "accepted area"],
    [formatCount(disputed), "with different verdicts"],
  ];
  const items = figures.map(([value, label]) => el("div", {}, el("b", {}, value), el("span", {}, label)));
  return el("div", { class: "figures" }, ...items);
}

const NOTHING: GroupSums = { open: 0, accepted: 0, rejected: 0, unsure: 0, "bad imagery": 0, disputed: 0, area_m2: 0 };

/** A table of the landslides by region or by month, sorted by its name. */
function groupCard(title: string, counts: CountRow[], groupOf: (row: CountRow) => string): HTMLElement {
  const groups = new Map<string, GroupSums>();
  for (const row of counts) {
    if (row.review_state === "withdrawn") continue;
    const sums = groups.get(groupOf(row)) ?? NOTHING;
    groups.set(groupOf(row), {
      ...sums,
      [row.review_state]: sums[row.review_state] + row.landslides,
      area_m2: sums.area_m2 + row.area_m2,
    });
  }
  const rows = [...groups].sort(([a], [b]) => a.localeCompare(b));
  const largest = Math.max(...rows.map(([, sums]) => sum(REVIEWED_STATES.map((state) => sums[state]))), 1);
  return card(
    title,
    ["", ...REVIEWED_STATES, "area", ""],
    rows.map(([name, sums]) => [
      name,
      ...REVIEWED_STATES.map((state) => formatCount(sums[state])),
      formatArea(sums.area_m2),
      bar(REVIEWED_STATES.map((state) => [sums[state] / largest, STATE_COLOURS[state]])),
    ]),
  );
}

/** How many of each model's candidates the reviewers confirmed; how many it found where a person mapped all there are. */
function modelCard(rows: DashboardFigures["model"]): HTMLElement {
  return card(
    "Model against reviewers",
    ["", "bundle", "right", "wrong", "precision", "recall", ""],
    rows.map((row) => [
      formatName(row.region),
      row.bundle,
      formatCount(row.confirmed),
      formatCount(row.rejected),
      shareOf(row.precision, row.confirmed + row.rejected),
      recallText(row),
      bar([[row.precision ?? 0, STATE_COLOURS.accepted]]),
    ]),
    "Nobody has decided yet.",
  );
}

/** The recall with its counts; why there is none where a person has not mapped all landslides of an area. */
function recallText(row: DashboardFigures["model"][number]): string {
  if (row.true_there === null) return "no area mapped completely by a person";
  const undecided = row.undecided_there ? `, ${formatCount(row.undecided_there)} there undecided` : "";
  return shareOf(row.recall, row.true_there) + undecided;
}

/** A share with the number of landslides that it is of: of few it means little. */
const shareOf = (share: number | null, count: number): string =>
  share === null ? "–" : `${formatPercent(share)} of ${formatCount(count)}`;

/** Who has decided how much. */
function workCard(rows: DashboardFigures["work"]): HTMLElement {
  return card(
    "Who decided how much",
    ["", "landslides", "accepted", "rejected", "unsure", "bad imagery"],
    rows.map((row) => [
      row.by,
      ...[row.landslides, row.accept, row.reject, row.unsure, row["bad imagery"]].map(formatCount),
    ]),
    "Nobody has decided yet.",
  );
}

/** How far the areas that are given to reviewers have come; nothing where none are, or may be known. */
function areasCard(rows: DashboardFigures["areas"]): HTMLElement[] {
  if (!rows.length) return [];
  const largest = Math.max(...rows.map(({ landslides }) => landslides), 1);
  const cells = rows.map(({ area, reviewer, landslides, decided, open }) => [
    area,
    reviewer,
    formatCount(landslides),
    formatCount(decided),
    formatCount(open),
    bar([
      [decided / largest, STATE_COLOURS.accepted],
      [(landslides - decided - open) / largest, STATE_COLOURS.unsure],
      [open / largest, STATE_COLOURS.open],
    ]),
  ]);
  return [card("Areas", ["", "reviewer", "landslides", "decided", "open", ""], cells)];
}

/** How far reviewers agree, where they see each other and in a blind review; in a blind review what may be known. */
function agreementCards({ reviewers, blind }: DashboardFigures): HTMLElement[] {
  const review = state.serverInfo.value?.blind;
  const whose = review && !review.adjudicates ? " You see the pairs that you belong to." : "";
  const cards = [];
  if (review || blind.length)
    cards.push(
      agreementCard("Agreement in the blind review", blind, `No two have judged the same landslide yet.${whose}`),
    );
  if (!review || reviewers.length)
    cards.push(
      agreementCard("Reviewers among themselves", reviewers, "No two reviewers have decided on one landslide yet."),
    );
  return cards;
}

function agreementCard(title: string, rows: Agreement[], emptyText: string): HTMLElement {
  return card(
    title,
    ["", "landslides", "alike", "agreement", "Cohen's kappa"],
    rows.map(({ reviewers, landslides, same, agreement, kappa }) => [
      reviewers.join(" and "),
      formatCount(landslides),
      formatCount(same),
      formatPercent(agreement),
      kappa === null ? "–" : kappa.toFixed(2),
    ]),
    emptyText,
  );
}

/** A card with a table, whose rows begin with their head; without rows it says `emptyText`. */
function card(title: string, columns: string[], rows: (string | Node)[][], emptyText = "No landslides."): HTMLElement {
  if (!rows.length)
    return el("section", { class: "card" }, el("h3", {}, title), el("p", { class: "quiet" }, emptyText));
  const head = el("tr", {}, ...columns.map((column) => (column ? el("th", { scope: "col" }, column) : el("td", {}))));
  const body = rows.map(([name, ...cells]) =>
    el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((cell) => el("td", {}, cell))),
  );
  return el(
    "section",
    { class: "card", tabindex: 0, "aria-label": title }, // so that keys scroll a table that is wider than the screen
    el("h3", {}, title),
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)),
  );
}

/** A bar of parts side by side, each a share of the whole width and its colour. */
function bar(parts: [number, string][]): SVGElement {
  const svg = svgElement("svg", {
    class: "bar",
    viewBox: "0 0 100 10",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  let left = 0;
  for (const [share, fill] of parts) {
    svg.append(svgElement("rect", { x: String(left * 100), y: "0", height: "10", width: String(share * 100), fill }));
    left += share;
  }
  return svg;
}

function svgElement(tag: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
