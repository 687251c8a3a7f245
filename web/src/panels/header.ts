// The head of the page: whether all is saved, and the ways to the rest.
import { run } from "../review/commands.ts";
import { discardWaiting, sendNow } from "../review/decisions.ts";
import { by, el } from "../lib/dom.ts";
import type { Name } from "../review/keys.ts";
import { openLogin } from "./login.ts";
import { show } from "./settings.ts";
import { state } from "../state.ts";

const WAYS: [Name, string][] = [
  ["dashboard", "Dashboard"],
  ["theme", "Theme"],
  ["keys", "Keys"],
];

export function makeHeader(): void {
  const drawer = (): void => {
    document.body.dataset.drawer = document.body.dataset.drawer === "queue" ? "" : "queue";
  };
  const images = (): void => {
    document.body.dataset.drawer = document.body.dataset.drawer === "sight" ? "" : "sight";
  };
  const ways = WAYS.map(([name, what]) => {
    const key = el("kbd", {});
    return { name, key, button: el("button", { type: "button", id: `to-${name}`, click: () => run(name) }, what, key) };
  });
  by("nav").replaceChildren(
    el("button", { type: "button", class: "narrow", click: drawer }, "Queue"),
    el("button", { type: "button", class: "narrow", click: images }, "Images"),
    ...ways.map(({ button }) => button),
  );
  state.bindings.watch((bindings) => {
    for (const { name, key } of ways) key.textContent = show(bindings[name]);
  });
  state.dashboard.watch((open) => by("to-dashboard").setAttribute("aria-pressed", String(open)));
  state.info.watch((info) => {
    by("survey").textContent = info?.name ?? "tsmu";
    document.title = `${info?.name ?? "tsmu"} – review`;
  });
  const connection = by("connection");
  state.waiting.watch(({ count, reason }) => {
    connection.hidden = false;
    connection.dataset.state = reason ? "lost" : count ? "sending" : "saved";
    const decisions = `${count} decision${count === 1 ? "" : "s"}`;
    connection.textContent = reason
      ? `${decisions} kept here: ${reason}`
      : count
        ? `saving ${decisions}`
        : state.info.value?.write
          ? "all saved"
          : "read-only";
  });
  connection.addEventListener("click", openWaiting);
}

/** The decisions that wait: send them now, sign in, or give them up. */
function openWaiting(): void {
  const { count, reason } = state.waiting.value;
  const dialog = by<HTMLDialogElement>("outbox");
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
      count > 0 && el("button", { type: "button", click: then(discardWaiting) }, `Discard ${count}`),
      state.info.value?.tokens && el("button", { type: "button", click: then(openLogin) }, "Another token"),
      count > 0 && el("button", { type: "button", click: then(() => void sendNow()) }, "Send now"),
      el("button", { type: "button", class: "strong", click: then() }, "Close"),
    ),
  );
  dialog.showModal();
}
