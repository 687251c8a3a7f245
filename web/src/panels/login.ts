import { byId, el } from "../lib/dom.ts";
import { setToken } from "../server/api.ts";

/** Ask for a token and load the page again with it; `reason` says why the last one was refused. */
export function openLogin(reason = ""): void {
  const dialog = byId<HTMLDialogElement>("login");
  const field = el("input", {
    type: "password",
    autocomplete: "current-password",
    "aria-label": "Token",
    required: true,
  });
  const form = el(
    "form",
    {},
    el("h2", {}, "Token"),
    el("p", {}, "This server asks who you are. Enter the viewer's or reviewer's token that you were given."),
    field,
    el("p", { class: "bad", role: "alert" }, reason),
    el("p", { class: "buttons" }, el("button", { type: "submit", class: "strong" }, "Enter")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    setToken(field.value.trim());
    location.reload();
  });
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
}
