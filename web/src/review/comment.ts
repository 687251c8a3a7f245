// A comment on a landslide.
import { decide } from "./decisions.ts";
import { by, el } from "../lib/dom.ts";
import { say } from "../lib/notice.ts";
import type { Feature } from "../server/types.ts";

const LONGEST = 4000;

export function comment(of: Feature): void {
  const field = el("textarea", { rows: 3, maxlength: LONGEST, "aria-label": "Comment", placeholder: "Comment" });
  const box = el(
    "form",
    { id: "comment" },
    field,
    el("button", { type: "submit", class: "strong" }, "Keep (Enter)"),
    el("button", { type: "button", click: () => box.remove() }, "Leave (Esc)"),
  );
  const keep = (event: Event): void => {
    event.preventDefault();
    const why = field.value.trim();
    if (why) {
      decide("comment", of, { why });
      say("Comment kept");
    }
    box.remove();
  };
  box.addEventListener("submit", keep);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) keep(event);
    else if (event.key === "Escape") box.remove();
  });
  document.getElementById("comment")?.remove();
  by("decide").after(box);
  field.focus();
}
