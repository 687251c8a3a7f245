import { byId } from "./dom.ts";
import { openOverlay } from "./overlay.ts";

const MAP_FRAME = "map-frame";
const GOOD_DURATION = 3500; // ms
const BAD_DURATION = 9000; // ms

let element: HTMLElement | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Show one line over the map for a few seconds; screen readers read it out. `bad` is for what did not work.
 *
 * While an overlay is open the line is in it: what lies below is neither seen nor read out.
 */
export function showNotice(text: string, kind: "good" | "bad" = "good"): void {
  const line = noticeElement();
  const overlay = openOverlay();
  byId(overlay ?? MAP_FRAME).append(line);
  line.textContent = text;
  line.dataset.kind = kind;
  line.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(
    () => {
      line.hidden = true;
    },
    kind === "bad" ? BAD_DURATION : GOOD_DURATION,
  );
}

/** The line's element; it goes back to the map when the overlay that it is in closes, or has new content. */
function noticeElement(): HTMLElement {
  if (!element) {
    const line = byId("notice");
    document.addEventListener("close", () => byId(MAP_FRAME).append(line), { capture: true });
    element = line;
  }
  return element;
}
