// A comment on a landslide.
import { decide } from "./decisions.ts";
import { byId, el } from "../lib/dom.ts";
import { showNotice } from "../lib/notice.ts";
import type { Landslide } from "../server/types.ts";

const MAX_LENGTH = 4000;

export function openCommentForm(of: Landslide): void {
  const field = el("textarea", { rows: 3, maxlength: MAX_LENGTH, "aria-label": "Comment", placeholder: "Comment" });
  const form = el(
    "form",
    { id: "comment" },
    field,
    el("button", { type: "submit", class: "strong" }, "Keep (Enter)"),
    el("button", { type: "button", click: () => form.remove() }, "Leave (Esc)"),
  );
  const save = (event: Event): void => {
    event.preventDefault();
    const why = field.value.trim();
    if (why) {
      decide("comment", of, { why });
      showNotice("Comment kept");
    }
    form.remove();
  };
  form.addEventListener("submit", save);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) save(event);
    else if (event.key === "Escape") form.remove();
  });
  document.getElementById("comment")?.remove();
  byId("decide").after(form);
  field.focus();
}
