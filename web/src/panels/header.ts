// The head of the page: whether all is saved, and the ways to the rest.
import { runCommand } from "../review/commands.ts";
import { discardPending, sendPending } from "../review/decisions.ts";
import { byId, el } from "../lib/dom.ts";
import type { CommandName } from "../review/keys.ts";
import { openLogin } from "./login.ts";
import { keyLabel } from "./settings.ts";
import { state } from "../state.ts";

const NAVIGATION: [CommandName, string][] = [
  ["dashboard", "Dashboard"],
  ["theme", "Theme"],
  ["keys", "Keys"],
];

export function makeHeader(): void {
  const toggleQueue = (): void => {
    document.body.dataset.drawer = document.body.dataset.drawer === "queue" ? "" : "queue";
  };
  const toggleImages = (): void => {
    document.body.dataset.drawer = document.body.dataset.drawer === "sight" ? "" : "sight";
  };
  const buttons = NAVIGATION.map(([name, what]) => {
    const key = el("kbd", {});
    return {
      name,
      key,
      button: el("button", { type: "button", id: `to-${name}`, click: () => runCommand(name) }, what, key),
    };
  });
  byId("nav").replaceChildren(
    el("button", { type: "button", class: "narrow", click: toggleQueue }, "Queue"),
    el("button", { type: "button", class: "narrow", click: toggleImages }, "Images"),
    ...buttons.map(({ button }) => button),
  );
  state.keyBindings.subscribe((bindings) => {
    for (const { name, key } of buttons) key.textContent = keyLabel(bindings[name]);
  });
  state.dashboardOpen.subscribe((open) => byId("to-dashboard").setAttribute("aria-pressed", String(open)));
  state.serverInfo.subscribe((info) => {
    byId("survey").textContent = info?.name ?? "tsmu";
    document.title = `${info?.name ?? "tsmu"} – review`;
  });
  const connection = byId("connection");
  state.pending.subscribe(({ count, reason }) => {
    connection.hidden = false;
    connection.dataset.state = reason ? "lost" : count ? "sending" : "saved";
    const decisions = `${count} decision${count === 1 ? "" : "s"}`;
    connection.textContent = reason
      ? `${decisions} kept here: ${reason}`
      : count
        ? `saving ${decisions}`
        : state.serverInfo.value?.write
          ? "all saved"
          : "read-only";
  });
  connection.addEventListener("click", openPendingDialog);
}

/** The decisions that wait: send them now, sign in, or give them up. */
function openPendingDialog(): void {
  const { count, reason } = state.pending.value;
  const dialog = byId<HTMLDialogElement>("outbox");
  const then = (and?: () => void) => () => {
    dialog.close();
    and?.();
  };
  dialog.replaceChildren(
    el("h2", {}, count ? `${count} decisions wait in this browser` : "Every decision is saved"),
    el(
      "p",
      {},
      reason
        ? `The last answer: ${reason}. They are kept over a reload and sent in their order.`
        : "A decision counts once the server has it on its disk.",
    ),
    el(
      "p",
      { class: "buttons" },
      count > 0 && el("button", { type: "button", click: then(discardPending) }, `Discard ${count}`),
      state.serverInfo.value?.tokens && el("button", { type: "button", click: then(openLogin) }, "Another token"),
      count > 0 && el("button", { type: "button", click: then(() => void sendPending()) }, "Send now"),
      el("button", { type: "button", class: "strong", click: then() }, "Close"),
    ),
  );
  dialog.showModal();
}
