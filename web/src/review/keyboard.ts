// Key presses: to the field or button that has the focus, to the present mode, to the map, or to a command.
import { openOverlay } from "../lib/overlay.ts";
import { focusMap, panMap } from "../map/view.ts";
import { state } from "../state.ts";
import { runCommand } from "./commands.ts";
import { commandForKey, isTextField, keyBindings, keyName } from "./keys.ts";
import { ARROW_DIRECTIONS, handleModeKey } from "./modes.ts";

const PAN_SHARE = 0.2; // of the map's width or height

/** Listen to the keyboard. While an overlay is open, keys are its own or commands that work over it. */
export function connectKeyboard(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    const target = event.target as HTMLElement;
    const pageIsFree = openOverlay() === null;
    if (isTextField(target)) {
      if (event.key === "Escape" && pageIsFree) target.blur();
      return;
    }
    if (elementUsesKey(target, event.key)) {
      const isHeldDown = event.repeat && event.key === "Enter" && isPressable(target);
      if (isHeldDown) event.preventDefault(); // the browser would press the button again and again
      return;
    }
    if (pageIsFree && (handleModeKey(event) || closeDrawerByKey(event) || panByArrowKey(event)))
      return event.preventDefault();
    const repeats = event.key === "+" || event.key === "-"; // a key that is held down zooms on, but decides once
    if (event.repeat && !repeats) return;
    const command = commandForKey(event, keyBindings.value);
    if (!command) return;
    event.preventDefault();
    runCommand(command);
  });
  document.addEventListener("click", blurClickedButton, { capture: true });
  for (const type of ["keydown", "click"]) document.addEventListener(type, () => requestAnimationFrame(keepFocus));
}

/** Take the focus from a button that the pointer has clicked, so that Enter and Space do not press it again. */
function blurClickedButton(event: MouseEvent): void {
  const button = (event.target as Element).closest("button");
  const byPointer = event.detail > 0; // 0 where a key has pressed it
  if (byPointer && button && !button.closest("dialog")) focusMap();
}

/** Give the map the focus where what had it is gone or cannot be pressed any more. */
function keepFocus(): void {
  const active = document.activeElement;
  const isLost = !active || active === document.body || active.matches(":disabled");
  if (isLost && openOverlay() === null) focusMap();
}

const isPressable = ({ tagName }: HTMLElement): boolean => ["BUTTON", "A", "SUMMARY"].includes(tagName);

/** Whether the browser or the element itself acts on the key: buttons, sliders, checkboxes and the list. */
function elementUsesKey(target: HTMLElement, key: string): boolean {
  const isList = target.getAttribute("role") === "listbox";
  if (isList) return ["ArrowUp", "ArrowDown", "Home", "End", "Enter"].includes(key);
  if (target.tagName === "INPUT") return key.startsWith("Arrow") || key === " " || key === "Home" || key === "End";
  return (isPressable(target) && (key === " " || key === "Enter")) || (state.mode.value === "look" && key === "Tab");
}

/** On a narrow screen: close the drawer of the queue or of the images, which lies over the map. */
function closeDrawerByKey(event: KeyboardEvent): boolean {
  if (event.key !== "Escape" || !document.body.dataset.drawer) return false;
  document.body.dataset.drawer = "";
  return true;
}

function panByArrowKey(event: KeyboardEvent): boolean {
  const arrow = ARROW_DIRECTIONS[event.key];
  if (!arrow || keyName(event) === null) return false;
  panMap(arrow[0] * PAN_SHARE, arrow[1] * PAN_SHARE);
  return true;
}
