// A line that says what happened, also to those who listen.
import { byId } from "./dom.ts";

let timer: ReturnType<typeof setTimeout> | undefined;

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
    kind === "bad" ? 9000 : 3500,
  );
}
