// The panel of the landslide that is decided on, and of how the images are shown.
import { finishMode, leaveMode, runCommand } from "../review/commands.ts";
import { byId, el } from "../lib/dom.ts";
import { formatArea, formatDays, formatName, formatPercent } from "../lib/format.ts";
import { COMMANDS, type CommandName } from "../review/keys.ts";
import { STATUS_COLOURS, STATUS_LABELS, type DisplayStatus, displayStatusOf } from "../map/palette.ts";
import { keyLabel } from "./settings.ts";
import { mayDecide, type DisplayOptions, setDisplay, state } from "../state.ts";
import type { Landslide, Observation, LandslideDetails } from "../server/types.ts";

export function createDetails(): void {
  createDecisionButtons();
  const draw = (): void => renderRecord(state.current.value, state.details.value);
  state.current.subscribe(draw);
  state.details.subscribe(draw);
  createImageControls();
  createDateLabels();
  byId("legend").replaceChildren(
    ...(Object.keys(STATUS_COLOURS) as DisplayStatus[]).map((kind) =>
      el("span", {}, el("span", { class: `dot ${kind}` }), STATUS_LABELS[kind]),
    ),
  );
}

function createDecisionButtons(): void {
  const group = byId("decide");
  const draw = (): void => {
    const { keyBindings: bindings, undoable: past, mode, current } = state;
    const button = (name: CommandName, what: string, more: Parameters<typeof el>[1]): HTMLElement =>
      el(
        "button",
        { type: "button", class: `decision ${name.replace(" ", "-")}`, click: () => runCommand(name), ...more },
        el("span", {}, what),
        el("kbd", {}, keyLabel(bindings.value[name])),
      );
    const buttons = COMMANDS.filter(({ group }) => group === "Decide").map(({ name, what }) => {
      const missing =
        { undo: !past.value.undo, redo: !past.value.redo, draw: false }[name as "undo" | "redo" | "draw"] ??
        !current.value;
      const on = mode.value === name;
      return button(name, what, { disabled: missing || !mayDecide(), "aria-pressed": on ? "true" : null });
    });
    const steps = COMMANDS.filter(({ name }) => name === "previous" || name === "next");
    buttons.push(...steps.map(({ name, what }) => button(name, what, {})).reverse()); // back on the left
    const modal = mode.value !== "look" && [
      el(
        "button",
        { type: "button", class: "decision strong", click: finishMode },
        el("span", {}, mode.value === "merge" ? "Merge" : "Keep"),
        el("kbd", {}, "Enter"),
      ),
      el(
        "button",
        { type: "button", class: "decision", click: leaveMode },
        el("span", {}, "Leave"),
        el("kbd", {}, "Esc"),
      ),
    ];
    group.replaceChildren(...(modal || buttons));
    group.dataset.mode = mode.value;
  };
  for (const signal of [state.keyBindings, state.undoable, state.mode, state.current, state.serverInfo] as {
    subscribe: (listener: () => void) => void;
  }[])
    signal.subscribe(draw);
}

/** How sure the model is, and how far its views of the place agree where it looked in several ways. */
function probabilityText(seen: Observation): string {
  const views = seen.mean_deviation == null ? "" : ` ± ${formatPercent(seen.mean_deviation)}`;
  return `mean ${formatPercent(seen.mean_probability)}${views}, highest ${formatPercent(seen.max_probability)}`;
}

function renderRecord(current: Landslide | null, story: LandslideDetails | null): void {
  const panel = byId("record");
  if (!current) {
    panel.replaceChildren(el("p", { class: "quiet" }, "No landslide is chosen: click one, or take the next."));
    return;
  }
  const of = current.properties;
  const kind = displayStatusOf(of);
  const observation = story?.observations.findLast(({ bundle }) => bundle) ?? story?.observations.at(-1);
  const facts: [string, string][] = [
    ["Region", formatName(of.region)],
    ["Happened", formatDays(of.date_min, of.date_max)],
    ["Model", observation?.bundle ?? "–"],
    ["Probability", observation?.bundle ? probabilityText(observation) : "–"],
    ["Scene", observation?.scene ?? "–"],
    ["Version", `${of.version} by ${of.changed_by.startsWith("run ") ? "a mapping run" : of.changed_by}`],
  ];
  panel.replaceChildren(
    el(
      "h2",
      {},
      el("span", { class: `dot ${kind}` }),
      `${formatArea(of.area_m2)} `,
      el("span", { class: "quiet" }, STATUS_LABELS[kind]),
    ),
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    ...(story?.disputed ? [disputeLine(story)] : []),
    el(
      "ul",
      { class: "reviews" },
      ...(story?.reviews ?? [])
        .slice(-4)
        .map(({ action, by, at, why }) =>
          el(
            "li",
            {},
            el("b", {}, action ?? "proposed"),
            ` ${by} ${at.slice(0, 10)} `,
            why && why !== action ? el("q", {}, why) : "",
          ),
        ),
    ),
    el("code", { class: "id", title: "Id" }, current.id),
  );
}

const disputeLine = ({ verdicts }: LandslideDetails): HTMLElement =>
  el("p", { class: "disputed" }, `Disputed: ${verdicts.map(({ by, verdict }) => `${by} ${verdict}`).join(", ")}`);

const LAYER_SWITCHES: (keyof DisplayOptions & CommandName)[] = [
  "probability",
  "uncertainty",
  "hillshade",
  "outlines",
  "density",
];

function createImageControls(): void {
  const what = (name: CommandName): string => COMMANDS.find((command) => command.name === name)?.what ?? name;
  const checks = LAYER_SWITCHES.map((name) => {
    const check = el("input", { type: "checkbox" });
    check.addEventListener("change", () => setDisplay({ [name]: check.checked }));
    const key = el("kbd", {});
    const row = el("label", { class: "check" }, check, el("span", {}, what(name)), key);
    return { name, check, key, row };
  });
  const sliders = [
    slider("Overlay", "opacity", 0, 1),
    slider("Brightness", "brightness", -0.8, 0.8),
    slider("Contrast", "contrast", -0.8, 0.8),
  ];
  const views = (["flip", "swipe", "shift"] as const).map((name) => {
    const key = el("kbd", {});
    return {
      name,
      key,
      button: el(
        "button",
        { type: "button", click: () => runCommand(name) },
        el("span", {}, name === "flip" ? "Flip" : name === "swipe" ? "Swipe" : "Shift images"),
        key,
      ),
    };
  });
  const shift = el("p", { class: "quiet" });
  const plain = (): void => setDisplay({ brightness: 0, contrast: 0, opacity: 0.6 });
  byId("sight").replaceChildren(
    el("h3", {}, "Images"),
    el("div", { class: "views" }, ...views.map(({ button }) => button)),
    shift,
    ...checks.map(({ row }) => row),
    ...sliders.map(({ row }) => row),
    el("button", { type: "button", class: "small", click: plain }, "Plain"),
  );
  state.display.subscribe((sight) => {
    for (const { name, check } of checks) check.checked = sight[name] as boolean;
    for (const { name, input } of sliders) input.value = String(sight[name]);
  });
  state.keyBindings.subscribe((bindings) => {
    for (const { name, key } of [...checks, ...views]) key.textContent = keyLabel(bindings[name]);
  });
  const showAvailableSwitches = (): void => {
    const availableLayers = new Set(state.scenes.value.flatMap(({ layers }) => layers as string[]));
    for (const { name, row } of checks)
      row.hidden = !["outlines", "density"].includes(name) && !availableLayers.has(name);
  };
  state.scenes.subscribe(showAvailableSwitches);
  state.scene.subscribe((scene) => {
    const [east, north] = [scene?.shift_east_m ?? 0, scene?.shift_north_m ?? 0];
    shift.textContent = east || north ? `Shifted ${east} m east, ${north} m north` : "";
    shift.hidden = !east && !north;
  });
}

function slider(label: string, name: "opacity" | "brightness" | "contrast", min: number, max: number) {
  const input = el("input", { type: "range", min, max, step: 0.05 });
  input.addEventListener("input", () => setDisplay({ [name]: Number(input.value) }));
  return { name, input, row: el("label", { class: "slider" }, el("span", {}, label), input) };
}

function createDateLabels(): void {
  state.scene.subscribe((scene) => {
    for (const [id, day] of [
      ["date-before", scene?.date_pre],
      ["date-after", scene?.date_post],
    ] as const) {
      const label = byId(id).querySelector("span");
      if (label) label.textContent = scene ? (day ?? "date unknown") : "no scene here";
    }
  });
}
