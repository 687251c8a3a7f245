// By how much the images of the scenes are shown off their georeference: on the map at once, on the server as soon as
// it can be reached.
import { showNotice } from "../lib/notice.ts";
import type { BrowserStorage } from "../lib/storage.ts";
import { sendImageShift } from "../server/api.ts";
import { ShiftQueue } from "../server/shift-queue.ts";
import type { ImageShift, Scene } from "../server/types.ts";
import { state } from "../state.ts";

/** What the server has stored, by scene: what is shown again where it refuses a shift. */
const savedShifts = new Map<string, ImageShift>();
let queue: ShiftQueue;

/** The part of a scene that is its shift. */
export const shiftOf = (scene: ImageShift): ImageShift => ({
  shift_east_m: scene.shift_east_m,
  shift_north_m: scene.shift_north_m,
  pre_shift_east_m: scene.pre_shift_east_m,
  pre_shift_north_m: scene.pre_shift_north_m,
});

/** Show and send the shifts that an earlier page has left in the browser, and begin to take new ones. */
export function startImageShifts(
  storage: BrowserStorage,
  onPendingChange: (count: number, reason: string | null) => void,
): void {
  for (const scene of state.scenes.value) savedShifts.set(scene.id, shiftOf(scene));
  queue = new ShiftQueue(storage, {
    send: ({ scene, shift, madeAt, by }) => sendImageShift(scene, shift, madeAt, by),
    onSaved: (scene, stored) => {
      savedShifts.set(scene, shiftOf(stored));
      showShift(scene, shiftOf(stored));
    },
    onRefused: (scene, error) => {
      showSavedShift(scene);
      showNotice(`The shift is not kept: ${error.message}`, "bad");
    },
    onPendingChange,
  });
  for (const { scene, shift } of queue.pending) showShift(scene, shift);
  window.addEventListener("online", () => void queue.flush());
  void queue.flush();
}

/** Take over the scenes as the server has them now; shifts of this page that it does not have yet go on to hold. */
export function replaceScenes(scenes: readonly Scene[]): void {
  for (const scene of scenes) savedShifts.set(scene.id, shiftOf(scene));
  const shifts = new Map(queue.pending.map(({ scene, shift }) => [scene, shift]));
  const shown = scenes.map((scene) => ({ ...scene, ...shifts.get(scene.id) }));
  state.scenes.value = shown;
  const top = state.scene.value?.id;
  state.scene.value = shown.find(({ id }) => id === top) ?? null;
}

/** Send the shifts that wait, now. */
export const sendPendingShifts = (): Promise<void> => queue.flush();

/** Drop the shifts that wait: the images are shown as the server has them. */
export function discardPendingShifts(): void {
  for (const scene of queue.discard()) showSavedShift(scene);
}

/** Show a scene's images with a shift, and keep it; returns false, with a notice, where the browser cannot. */
export function setImageShift(sceneId: string, shift: ImageShift): boolean {
  try {
    queue.set(sceneId, shift, state.reviewer.value);
  } catch {
    showNotice("The browser's storage is full: send or discard the waiting decisions before you go on", "bad");
    return false;
  }
  showShift(sceneId, shift);
  return true;
}

function showSavedShift(sceneId: string): void {
  const saved = savedShifts.get(sceneId);
  if (saved) showShift(sceneId, saved);
}

/** Let the map and the panels have a scene with a shift. */
function showShift(sceneId: string, shift: ImageShift): void {
  const withShift = (scene: Scene): Scene => (scene.id === sceneId ? { ...scene, ...shift } : scene);
  state.scenes.value = state.scenes.value.map(withShift);
  if (state.scene.value?.id === sceneId) state.scene.value = withShift(state.scene.value);
}
