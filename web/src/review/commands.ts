// What each command does. Modes (drawing, merging, shifting) take the keys that are fixed.
import { shift as sendShift } from "../server/api.ts";
import { comment } from "./comment.ts";
import { decide, redo, undo } from "./decisions.ts";
import { by } from "../lib/dom.ts";
import { Pencil } from "../map/drawing.ts";
import { around, box } from "../lib/geometry.ts";
import { commandOf, isField, keyOf, type Name } from "./keys.ts";
import { chooseNeighbour, type Merging } from "./merging.ts";
import { say } from "../lib/notice.ts";
import { step } from "./queue.ts";
import { moved } from "../map/scenes.ts";
import { openSettings } from "../panels/settings.ts";
import { type Mode, mayDecide, see, state } from "../state.ts";
import { flip, swipe } from "../map/swipe.ts";
import { nextTheme } from "../lib/theme.ts";
import type { Action, Feature } from "../server/types.ts";
import { mapView, pan } from "../map/view.ts";

const HINTS: Record<Exclude<Mode, "look">, string> = {
  edit: "Drag corners, right click removes one · Tab next corner · Shift+arrows move it · Enter keeps, Esc leaves",
  draw: "Click corners, or Space at the cross · Backspace takes one back · Enter ends, Esc leaves",
  split: "Draw a line across the outline: click, or Space at the cross · Enter ends, Esc leaves",
  merge: "Tab or click: another neighbour · Enter merges, Esc leaves",
  shift: "Arrows move the images by 1 m, with Shift by 10 m · Backspace back to zero · Enter or Esc ends",
};
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const PAN = 0.2; // of the map's size
const DRAG = 2; // px

let pencil: Pencil;
let merging: Merging | null = null;

export function followKeys(): void {
  pencil = new Pencil(mapView());
  state.mode.watch((mode) => {
    const hint = by("hint");
    hint.hidden = mode === "look";
    hint.textContent = mode === "look" ? "" : HINTS[mode];
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const target = event.target as HTMLElement;
    if (isField(target)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (takesItself(target, event.key)) return;
    if (inMode(event) || moves(event)) return event.preventDefault();
    const command =
      event.repeat && event.key !== "+" && event.key !== "-" ? null : commandOf(event, state.bindings.value);
    if (!command) return;
    event.preventDefault();
    run(command);
  });
}

/** Buttons, sliders and lists keep the keys that work them. */
function takesItself(target: HTMLElement, key: string): boolean {
  const list = target.getAttribute("role") === "listbox";
  if (list) return ["ArrowUp", "ArrowDown", "Home", "End", "Enter"].includes(key);
  if (target.tagName === "INPUT") return key.startsWith("Arrow") || key === " " || key === "Home" || key === "End";
  const pressed = ["BUTTON", "A", "SUMMARY"].includes(target.tagName);
  return (pressed && (key === " " || key === "Enter")) || (state.mode.value === "look" && key === "Tab");
}

function moves(event: KeyboardEvent): boolean {
  const arrow = ARROWS[event.key];
  if (!arrow || keyOf(event) === null || state.dashboard.value) return false;
  pan(arrow[0] * PAN, arrow[1] * PAN);
  return true;
}

/** The keys of the present mode; whether it was one. */
function inMode(event: KeyboardEvent): boolean {
  const mode = state.mode.value;
  if (mode === "look") {
    if (event.key !== "Escape" || !state.dashboard.value) return false;
    state.dashboard.value = false;
    return true;
  }
  if (event.key === "Escape") {
    leave();
    return true;
  }
  if (mode === "merge") return merging?.key(event) ?? false;
  if (mode === "shift") return shifts(event);
  if (event.key === "Enter") {
    if (!pencil.end()) say("Nothing is drawn yet", "bad");
    return true;
  }
  if (event.key === " ") pencil.point();
  else if (event.key === "Backspace") pencil.takeBack();
  else if (event.key === "Tab" && mode === "edit") pencil.corner(event.shiftKey ? -1 : 1);
  else if (event.shiftKey && mode === "edit" && ARROWS[event.key]) {
    const [right, down] = ARROWS[event.key] ?? [0, 0];
    pencil.move(right * DRAG, down * DRAG);
  } else return decides(event);
  return true;
}

/** While something is drawn, keys that decide are dead: they would leave the drawing behind. */
function decides(event: KeyboardEvent): boolean {
  const command = commandOf(event, state.bindings.value);
  return command !== null && (command in DECISIONS || command === "next" || command === "previous");
}

export function leave(): void {
  pencil.stop();
  merging?.end();
  merging = null;
  state.mode.value = "look";
}

/** End the present mode as Enter does. */
export const finish = (): void => {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
};

const DECISIONS: Partial<Record<Name, (of: Feature | null) => void>> = {
  accept: opinion("accept"),
  reject: opinion("reject"),
  unsure: opinion("unsure"),
  "bad imagery": opinion("bad imagery"),
  comment: (of) => of && comment(of),
  merge: (of) => {
    if (!of) return;
    state.mode.value = "merge";
    chooseNeighbour(of, (others) => {
      leave();
      if (others.length) decide("merge", of, { others });
    })
      .then((begun) => {
        if (state.mode.value === "merge") merging = begun;
        else begun.end();
      })
      .catch((error: Error) => {
        leave();
        say(`The neighbours cannot be read: ${error.message}`, "bad");
      });
  },
  split: drawn("split"),
  edit: drawn("edit"),
  draw: drawn("draw"),
  undo,
  redo,
};

function opinion(action: Action & ("accept" | "reject" | "unsure" | "bad imagery")): (of: Feature | null) => void {
  return (of) => of && decide(action, of);
}

function drawn(tool: "split" | "edit" | "draw"): (of: Feature | null) => void {
  return (of) => {
    if (tool === "draw" && !state.scene.value)
      return say("Go to a scene first: what is drawn is seen in its images", "bad");
    if (tool !== "draw" && !of) return;
    state.mode.value = tool;
    pencil.begin(tool, tool === "edit" && of ? of.geometry : null, (shape) => {
      state.mode.value = "look";
      decide(tool, tool === "draw" ? null : of, { geometry: shape });
    });
  };
}

const VIEWS: Partial<Record<Name, () => void>> = {
  next: () => void step(1),
  previous: () => void step(-1),
  centre: () => {
    const of = state.current.value;
    if (of) mapView().fitBounds(box(of), { padding: 120, maxZoom: 16.5, duration: 300 });
  },
  all: () => {
    const all = state.scenes.value.map(({ bounds }) => bounds);
    if (all.length) mapView().fitBounds(around(all), { padding: 40, duration: 300 });
  },
  "in view": () => {
    state.inView.value = !state.inView.value;
  },
  flip,
  swipe: () => see({ swipe: 0.5 }),
  "swipe left": () => swipe(-1),
  "swipe right": () => swipe(1),
  outlines: () => see({ outlines: !state.sight.value.outlines }),
  probability: () => see({ probability: !state.sight.value.probability }),
  uncertainty: () => see({ uncertainty: !state.sight.value.uncertainty }),
  hillshade: () => see({ hillshade: !state.sight.value.hillshade }),
  density: () => see({ density: !state.sight.value.density }),
  "zoom in": () => void mapView().zoomIn({ duration: 150 }),
  "zoom out": () => void mapView().zoomOut({ duration: 150 }),
  shift: () => {
    if (!state.scene.value) return say("No scene is in view", "bad");
    if (!mayDecide()) return say("Images are not shifted here: this is read-only", "bad");
    state.mode.value = "shift";
  },
  dashboard: () => {
    state.dashboard.value = !state.dashboard.value;
  },
  filters: () => {
    document.body.dataset.drawer = "queue";
    by("filters").querySelector("select")?.focus();
  },
  theme: nextTheme,
  keys: openSettings,
};

/** Do what a command says. */
export function run(name: Name): void {
  const decision = DECISIONS[name];
  if (!decision) return VIEWS[name]?.();
  if (state.mode.value !== "look") leave();
  if (name === "undo" || name === "redo" || mayDecide()) decision(state.current.value);
  else say("Decisions are not taken here: this is read-only", "bad");
}

/** Move the images of the scene by an arrow key; kept on the server, and shown when it has it. */
function shifts(event: KeyboardEvent): boolean {
  const scene = state.scene.value;
  const arrow = ARROWS[event.key];
  if (event.key === "Enter" || !scene) {
    leave();
    return true;
  }
  if (!arrow && event.key !== "Backspace") return decides(event);
  const metres = event.shiftKey ? 10 : 1;
  const east = arrow ? (scene.shift_east_m ?? 0) + arrow[0] * metres : 0;
  const north = arrow ? (scene.shift_north_m ?? 0) - arrow[1] * metres : 0;
  const shifted = { ...scene, shift_east_m: east, shift_north_m: north };
  state.scene.value = shifted;
  clearTimeout(settled);
  settled = setTimeout(() => {
    sendShift(scene.id, east, north, state.reviewer.value)
      .then(() => moved(mapView(), shifted))
      .catch((error: Error) => {
        state.scene.value = state.scenes.value.find(({ id }) => id === scene.id) ?? null;
        say(`The shift is not kept: ${error.message}`, "bad");
      });
  }, 250);
  return true;
}

let settled: ReturnType<typeof setTimeout> | undefined;
