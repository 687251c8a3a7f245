// The dialog that asks for a token: at the start, when the server refuses the one that this tab has, or on request.
import { byId, el } from "../lib/dom.ts";
import { getJson, hasToken, refusal, setToken } from "../server/api.ts";
import type { ServerInfo } from "../server/types.ts";
import { sendPending } from "../review/decisions.ts";
import { state } from "../state.ts";

/** Ask for a token whenever the server refuses the one that this tab has; what is under way on the page stays. */
export function connectLogin(): void {
  byId("login").addEventListener("cancel", (event) => {
    if (refusal.value !== null) event.preventDefault(); // nothing can be loaded or saved without a token
  });
  refusal.subscribe((reason) => {
    if (reason !== null) openLogin(hasToken() ? `The token is refused: ${reason}` : "");
  });
}

/** Ask for a token; `reason` says why the last one was refused. */
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
    state.serverInfo.value !== null && el("p", {}, "What you have begun and decided stays on this page."),
    field,
    el("p", { class: "bad", role: "alert" }, reason),
    el("p", { class: "buttons" }, el("button", { type: "submit", class: "strong" }, "Enter")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void enter(field.value.trim(), dialog);
  });
  dialog.onclose = (): void => {
    if (refusal.value !== null && !dialog.open) dialog.showModal(); // browsers close it when Escape is pressed twice
  };
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
  field.focus();
}

/** Go on with another token of the same person; for another person, or at the start, the page is loaded again. */
async function enter(token: string, dialog: HTMLDialogElement): Promise<void> {
  setToken(token);
  const before = state.serverInfo.value;
  if (before === null) return location.reload();
  try {
    const { person } = await getJson<ServerInfo>("info");
    if (person.name !== before.person.name || person.role !== before.person.role) return location.reload();
    dialog.close();
    void sendPending();
  } catch (error) {
    if (refusal.value === null) openLogin((error as Error).message); // else the dialog says so already
  }
}
