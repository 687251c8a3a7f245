// The panel of the landslide that is decided on, and of how the images are shown.
import { finish, leave, run } from "../review/commands.ts";
import { by, el } from "../lib/dom.ts";
import { area, days, named, percent } from "../lib/format.ts";
import { COMMANDS, type Name } from "../review/keys.ts";
import { COLOURS, KINDS, type Kind, kindOf } from "../map/palette.ts";
import { show } from "./settings.ts";
import { mayDecide, type Sight, see, state } from "../state.ts";
import type { Feature, Observation, Story } from "../server/types.ts";

export function makeSide(): void {
  makeDecide();
  const draw = (): void => drawRecord(state.current.value, state.story.value);
  state.current.watch(draw);
  state.story.watch(draw);
  makeSight();
  makeDates();
  by("legend").replaceChildren(
    ...(Object.keys(COLOURS) as Kind[]).map((kind) =>
      el("span", {}, el("span", { class: `dot ${kind}` }), KINDS[kind]),
    ),
  );
}

function makeDecide(): void {
  const group = by("decide");
  const draw = (): void => {
    const { bindings, past, mode, current } = state;
    const button = (name: Name, what: string, more: Parameters<typeof el>[1]): HTMLElement =>
      el(
        "button",
        { type: "button", class: `decision ${name.replace(" ", "-")}`, click: () => run(name), ...more },
        el("span", {}, what),
        el("kbd", {}, show(bindings.value[name])),
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
        { type: "button", class: "decision strong", click: finish },
        el("span", {}, mode.value === "merge" ? "Merge" : "Keep"),
        el("kbd", {}, "Enter"),
      ),
      el("button", { type: "button", class: "decision", click: leave }, el("span", {}, "Leave"), el("kbd", {}, "Esc")),
    ];
    group.replaceChildren(...(modal || buttons));
    group.dataset.mode = mode.value;
  };
  for (const cell of [state.bindings, state.past, state.mode, state.current, state.info] as {
    watch: (listener: () => void) => void;
  }[])
    cell.watch(draw);
}

/** How sure the model is, and how far its views of the place agree where it looked in several ways. */
function probability(seen: Observation): string {
  const views = seen.mean_deviation == null ? "" : ` ± ${percent(seen.mean_deviation)}`;
  return `mean ${percent(seen.mean_probability)}${views}, highest ${percent(seen.max_probability)}`;
}

function drawRecord(current: Feature | null, story: Story | null): void {
  const panel = by("record");
  if (!current) {
    panel.replaceChildren(el("p", { class: "quiet" }, "No landslide is chosen: click one, or take the next."));
    return;
  }
  const of = current.properties;
  const kind = kindOf(of);
  const seen = story?.observations.findLast(({ bundle }) => bundle) ?? story?.observations.at(-1);
  const facts: [string, string][] = [
    ["Region", named(of.region)],
    ["Happened", days(of.date_min, of.date_max)],
    ["Model", seen?.bundle ?? "–"],
    ["Probability", seen?.bundle ? probability(seen) : "–"],
    ["Scene", seen?.scene ?? "–"],
    ["Version", `${of.version} by ${of.changed_by.startsWith("run ") ? "a mapping run" : of.changed_by}`],
  ];
  panel.replaceChildren(
    el(
      "h2",
      {},
      el("span", { class: `dot ${kind}` }),
      `${area(of.area_m2)} `,
      el("span", { class: "quiet" }, KINDS[kind]),
    ),
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    ...(story?.disputed ? [disputed(story)] : []),
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

const disputed = ({ verdicts }: Story): HTMLElement =>
  el("p", { class: "disputed" }, `Disputed: ${verdicts.map(({ by, verdict }) => `${by} ${verdict}`).join(", ")}`);

const SWITCHES: (keyof Sight & Name)[] = ["probability", "uncertainty", "hillshade", "outlines", "density"];

function makeSight(): void {
  const what = (name: Name): string => COMMANDS.find((command) => command.name === name)?.what ?? name;
  const checks = SWITCHES.map((name) => {
    const check = el("input", { type: "checkbox" });
    check.addEventListener("change", () => see({ [name]: check.checked }));
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
        { type: "button", click: () => run(name) },
        el("span", {}, name === "flip" ? "Flip" : name === "swipe" ? "Swipe" : "Shift images"),
        key,
      ),
    };
  });
  const shift = el("p", { class: "quiet" });
  const plain = (): void => see({ brightness: 0, contrast: 0, opacity: 0.6 });
  by("sight").replaceChildren(
    el("h3", {}, "Images"),
    el("div", { class: "views" }, ...views.map(({ button }) => button)),
    shift,
    ...checks.map(({ row }) => row),
    ...sliders.map(({ row }) => row),
    el("button", { type: "button", class: "small", click: plain }, "Plain"),
  );
  state.sight.watch((sight) => {
    for (const { name, check } of checks) check.checked = sight[name] as boolean;
    for (const { name, input } of sliders) input.value = String(sight[name]);
  });
  state.bindings.watch((bindings) => {
    for (const { name, key } of [...checks, ...views]) key.textContent = show(bindings[name]);
  });
  const offered = (): void => {
    const there = new Set(state.scenes.value.flatMap(({ layers }) => layers as string[]));
    for (const { name, row } of checks) row.hidden = !["outlines", "density"].includes(name) && !there.has(name);
  };
  state.scenes.watch(offered);
  state.scene.watch((scene) => {
    const [east, north] = [scene?.shift_east_m ?? 0, scene?.shift_north_m ?? 0];
    shift.textContent = east || north ? `Shifted ${east} m east, ${north} m north` : "";
    shift.hidden = !east && !north;
  });
}

function slider(label: string, name: "opacity" | "brightness" | "contrast", min: number, max: number) {
  const input = el("input", { type: "range", min, max, step: 0.05 });
  input.addEventListener("input", () => see({ [name]: Number(input.value) }));
  return { name, input, row: el("label", { class: "slider" }, el("span", {}, label), input) };
}

function makeDates(): void {
  state.scene.watch((scene) => {
    for (const [id, day] of [
      ["date-before", scene?.date_pre],
      ["date-after", scene?.date_post],
    ] as const) {
      const label = by(id).querySelector("span");
      if (label) label.textContent = scene ? (day ?? "date unknown") : "no scene here";
    }
  });
}
