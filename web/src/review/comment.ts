// The form for a comment: it belongs to one landslide, is there only while that one is looked at, and keeps its text.
import { byId, el } from "../lib/dom.ts";
import { showNotice } from "../lib/notice.ts";
import type { Landslide } from "../server/types.ts";
import { state } from "../state.ts";
import { decide } from "./decisions.ts";
import { commentDraft, keepComment } from "./drafts.ts";

const MAX_LENGTH = 4000; // characters; what the server allows

/** Let the form go with its landslide, and come back where a comment on the current one was begun. */
export function connectComments(): void {
  state.current.subscribe((current) => {
    const form = document.getElementById("comment");
    if (form && form.dataset.landslide === current?.id) return;
    if (form?.querySelector("textarea")?.value.trim())
      showNotice("Your comment is not sent yet: it waits at its landslide");
    form?.remove();
    if (current && commentDraft(current.id)) showForm(current);
  });
}

/** Open the form for a comment on a landslide, below the buttons that decide. */
export function openCommentForm(landslide: Landslide): void {
  document.getElementById("comment")?.remove();
  showForm(landslide).focus();
}

function showForm({ id }: Landslide): HTMLTextAreaElement {
  const field = el(
    "textarea",
    {
      rows: 3,
      maxlength: MAX_LENGTH,
      "aria-label": "Comment",
      placeholder: "Comment",
      input: () => keepComment(id, field.value),
    },
    commentDraft(id),
  );
  const close = (): void => {
    keepComment(id, "");
    form.remove();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    saveComment(field.value.trim());
    close();
  };
  const form = el(
    "form",
    { id: "comment", "data-landslide": id, submit },
    field,
    el("button", { type: "submit", class: "strong" }, "Keep (Enter)"),
    el("button", { type: "button", click: close }, "Leave (Esc)"),
  );
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape") close();
  });
  byId("decide").after(form);
  return field;
}

/** Comment on the current landslide, whose form this is. */
function saveComment(text: string): void {
  if (!text || !state.current.value) return;
  decide("comment", state.current.value, { why: text });
  showNotice("Comment kept");
}
