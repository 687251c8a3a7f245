import { byId } from "./dom.ts";

const GOOD_DURATION = 3500; // ms
const BAD_DURATION = 9000; // ms

let timer: ReturnType<typeof setTimeout> | undefined;

/** Show one line over the map for a few seconds; screen readers read it out. `bad` is for what did not work. */
export function showNotice(text: string, kind: "good" | "bad" = "good"): void {
  const line = byId("notice");
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
