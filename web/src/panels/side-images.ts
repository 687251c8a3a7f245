// The images on both sides of the swipe line: their dates in the corners of the map, and the choice of other ones.
//
// Usually the image before lies on the left and the one after on the right. Where several scenes show the place, any of
// their images can be put on either side, so that one compares any two dates.
import { byId, el } from "../lib/dom.ts";
import { centreContains, getMap } from "../map/view.ts";
import type { Scene } from "../server/types.ts";
import { type SceneImage, type SideImages, state } from "../state.ts";
import { returnToKeysAfterPointer } from "./controls.ts";

interface Side {
  name: keyof SideImages;
  /** Id of the label in the corner of the map. */
  label: string;
  usualKind: SceneImage["kind"];
}
const SIDES: readonly Side[] = [
  { name: "left", label: "date-before", usualKind: "pre" },
  { name: "right", label: "date-after", usualKind: "post" },
];
const KIND_NAMES = { pre: "before", post: "after" } as const;

/** Create the labels; called once the map is there. */
export function createSideImages(): void {
  for (const side of SIDES) {
    const label = byId(side.label);
    const select = el("select", { "aria-label": `Image on the ${side.name} side` });
    select.addEventListener("change", () => {
      state.sideImages.value = { ...state.sideImages.value, [side.name]: parseValue(select.value) };
    });
    label.append(select);
    returnToKeysAfterPointer(label);
    const update = (): void => updateLabel(label, select, side);
    for (const signal of [state.scene, state.scenes, state.sideImages]) signal.subscribe(update);
    getMap().on("moveend", update);
  }
}

/** Say which image is on a side; offer the others where several scenes show the middle of the map. */
function updateLabel(label: HTMLElement, select: HTMLSelectElement, { name, usualKind }: Side): void {
  const scene = state.scene.value;
  const here = state.scenes.value.filter(centreContains);
  const chosen = state.sideImages.value[name];
  if (chosen && !here.some(({ id }) => id === chosen.sceneId)) {
    state.sideImages.value = { ...state.sideImages.value, [name]: null }; // the map has left the place
    return;
  }
  const usual = scene ? usualText(scene, usualKind) : "no scene here";
  label.classList.toggle("missing", !chosen && !!scene && !scene.layers.includes(usualKind));
  const title = label.querySelector("b");
  if (title)
    title.textContent = chosen ? (name === "left" ? "Left" : "Right") : usualKind === "pre" ? "Before" : "After";
  const text = label.querySelector("span");
  select.hidden = here.length < 2;
  if (text) text.textContent = select.hidden ? usual : "";
  if (select.hidden) select.replaceChildren();
  else offerImages(select, usual, here, chosen);
}

/** Fill a field with the images of some scenes, the earliest first. */
function offerImages(
  select: HTMLSelectElement,
  usual: string,
  scenes: readonly Scene[],
  chosen: SceneImage | null,
): void {
  const images = scenes
    .flatMap((scene) =>
      (["pre", "post"] as const).filter((kind) => scene.layers.includes(kind)).map((kind) => ({ scene, kind })),
    )
    .sort((a, b) => (dateOf(a.scene, a.kind) ?? "").localeCompare(dateOf(b.scene, b.kind) ?? ""));
  const options: [string, string][] = [
    ["", usual],
    ...images.map(({ scene, kind }): [string, string] => [
      JSON.stringify({ sceneId: scene.id, kind }),
      `${dateOf(scene, kind) ?? "date unknown"}, ${KIND_NAMES[kind]}, ${scene.name}`,
    ]),
  ];
  const present = [...select.options].map(({ value, text }) => [value, text]);
  if (JSON.stringify(present) !== JSON.stringify(options))
    select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
  select.value = chosen ? JSON.stringify({ sceneId: chosen.sceneId, kind: chosen.kind }) : "";
}

const parseValue = (value: string): SceneImage | null => (value ? (JSON.parse(value) as SceneImage) : null);

const dateOf = (scene: Scene, kind: SceneImage["kind"]): string | null =>
  kind === "pre" ? scene.date_pre : scene.date_post;

/** The date of a scene's image; which file is missing, or that the scene has none, where it cannot be shown. */
function usualText(scene: Scene, kind: SceneImage["kind"]): string {
  const date = dateOf(scene, kind) ?? "date unknown";
  const file = scene.missing[kind];
  if (file) return `${date}: ${file} of scene ${scene.name} is not on the server's machine`;
  return scene.layers.includes(kind) ? date : `scene ${scene.name} has no such image`;
}
