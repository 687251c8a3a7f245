// The panel of the current landslide: the buttons that decide on it, and its record.
import { byId, el } from "../lib/dom.ts";
import { formatArea, formatDays, formatName, formatPercent } from "../lib/format.ts";
import { displayStatusOf, STATUS_LABELS } from "../map/palette.ts";
import { runCommand } from "../review/commands.ts";
import { COMMANDS, type CommandName, keyBindings, keyLabel } from "../review/keys.ts";
import { finishMode, leaveMode } from "../review/modes.ts";
import type { Landslide, LandslideDetails, LandslideProperties, Observation } from "../server/types.ts";
import { mayDecide, state } from "../state.ts";

const MAX_REVIEWS = 4;

/** Create the panel; it follows the current landslide, its details and the mode. */
export function createDetails(): void {
  createDecisionButtons();
  const render = (): void => renderRecord(state.current.value, state.details.value);
  state.current.subscribe(render);
  state.details.subscribe(render);
}

/** One button per command that decides, previous and next; in a mode the two buttons that end it instead. */
function createDecisionButtons(): void {
  const group = byId("decide");
  const render = (): void => {
    const mode = state.mode.value;
    group.replaceChildren(...(mode === "look" ? [...decisionButtons(), ...stepButtons()] : modeButtons()));
    group.dataset.mode = mode;
  };
  keyBindings.subscribe(render);
  state.undoable.subscribe(render);
  state.mode.subscribe(render);
  state.current.subscribe(render);
  state.serverInfo.subscribe(render);
}

const decisionButtons = (): HTMLElement[] =>
  COMMANDS.filter(({ group }) => group === "Decide").map(({ name, label }) =>
    commandButton(name, label, !mayDecide() || !isPossible(name)),
  );

/** Whether there is something that a command can decide on. */
function isPossible(name: CommandName): boolean {
  if (name === "undo") return state.undoable.value.undo !== null;
  if (name === "redo") return state.undoable.value.redo !== null;
  return name === "draw" || state.current.value !== null;
}

const stepButtons = (): HTMLElement[] =>
  (["previous", "next"] as const).map((name) =>
    commandButton(name, COMMANDS.find((command) => command.name === name)?.label ?? name),
  );

function commandButton(name: CommandName, label: string, disabled = false): HTMLElement {
  const cssClass = `decision ${name.replace(" ", "-")}`;
  return el(
    "button",
    { type: "button", class: cssClass, click: () => runCommand(name), disabled },
    el("span", {}, label),
    el("kbd", {}, keyLabel(keyBindings.value[name])),
  );
}

function modeButtons(): HTMLElement[] {
  const finishLabel = state.mode.value === "merge" ? "Merge" : "Keep";
  return [
    el(
      "button",
      { type: "button", class: "decision strong", click: finishMode },
      el("span", {}, finishLabel),
      el("kbd", {}, "Enter"),
    ),
    el(
      "button",
      { type: "button", class: "decision", click: leaveMode },
      el("span", {}, "Leave"),
      el("kbd", {}, "Esc"),
    ),
  ];
}

/** Show the record of a landslide, without its history until the server has sent the details. */
function renderRecord(landslide: Landslide | null, details: LandslideDetails | null): void {
  const panel = byId("record");
  if (!landslide) {
    panel.replaceChildren(el("p", { class: "quiet" }, "No landslide is chosen: click one, or take the next."));
    return;
  }
  const { properties } = landslide;
  const status = displayStatusOf(properties);
  panel.replaceChildren(
    el(
      "h2",
      {},
      el("span", { class: `dot ${status}` }),
      `${formatArea(properties.area_m2)} `,
      el("span", { class: "quiet" }, STATUS_LABELS[status]),
    ),
    factList(properties, details),
    ...(details?.disputed ? [disputeLine(details)] : []),
    reviewList(details),
    el("code", { class: "id", title: "Id" }, landslide.id),
  );
}

function factList(properties: LandslideProperties, details: LandslideDetails | null): HTMLElement {
  const byModel = details?.observations.findLast(({ bundle }) => bundle);
  const observation = byModel ?? details?.observations.at(-1);
  const changedBy = properties.changed_by.startsWith("run ") ? "a mapping run" : properties.changed_by;
  const facts: [string, string][] = [
    ["Region", formatName(properties.region)],
    ["Happened", formatDays(properties.date_min, properties.date_max)],
    ["Model", byModel?.bundle ?? "–"],
    ["Probability", byModel ? probabilityText(byModel) : "–"],
    ["Scene", observation?.scene ?? "–"],
    ["Version", `${properties.version} by ${changedBy}`],
  ];
  return el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** The probability within the outline, and with test-time augmentation how far its views deviate. */
function probabilityText({ mean_probability, mean_deviation, max_probability }: Observation): string {
  const deviation = mean_deviation == null ? "" : ` ± ${formatPercent(mean_deviation)}`;
  return `mean ${formatPercent(mean_probability)}${deviation}, highest ${formatPercent(max_probability)}`;
}

const disputeLine = ({ verdicts }: LandslideDetails): HTMLElement =>
  el("p", { class: "disputed" }, `Disputed: ${verdicts.map(({ by, verdict }) => `${by} ${verdict}`).join(", ")}`);

/** The last reviews, each with its reason or comment. */
function reviewList(details: LandslideDetails | null): HTMLElement {
  const items = (details?.reviews ?? []).slice(-MAX_REVIEWS).map(({ action, by, at, why }) => {
    const reason = why && why !== action ? el("q", {}, why) : "";
    return el("li", {}, el("b", {}, action ?? "proposed"), ` ${by} ${at.slice(0, 10)} `, reason);
  });
  return el("ul", { class: "reviews" }, ...items);
}
