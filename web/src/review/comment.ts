import { byId, el } from "../lib/dom.ts";
import { showNotice } from "../lib/notice.ts";
import type { Landslide } from "../server/types.ts";
import { decide } from "./decisions.ts";

const MAX_LENGTH = 4000; // characters; what the server allows

/** Open the form for a comment on a landslide, below the buttons that decide. */
export function openCommentForm(landslide: Landslide): void {
  const field = el("textarea", {
    rows: 3,
    maxlength: MAX_LENGTH,
    "aria-label": "Comment",
    placeholder: "Comment",
  });
  const form = el(
    "form",
    { id: "comment" },
    field,
    el("button", { type: "submit", class: "strong" }, "Keep (Enter)"),
    el("button", { type: "button", click: () => form.remove() }, "Leave (Esc)"),
  );
  const submit = (event: Event): void => {
    event.preventDefault();
    saveComment(landslide, field.value.trim());
    form.remove();
  };
  form.addEventListener("submit", submit);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape") form.remove();
  });
  document.getElementById("comment")?.remove();
  byId("decide").after(form);
  field.focus();
}

function saveComment(landslide: Landslide, text: string): void {
  if (!text) return;
  decide("comment", landslide, { why: text });
  showNotice("Comment kept");
}
