// The head of the page: name, progress, whether all decisions are saved, who looks at it, and the buttons to the other
// panels.
import { effect } from "@preact/signals";
import { byId, el } from "../lib/dom.ts";
import { formatCount, formatCounted } from "../lib/format.ts";
import { runCommand } from "../review/commands.ts";
import { discardPending, sendPending } from "../review/decisions.ts";
import type { CommandName } from "../review/keys.ts";
import type { ReviewProgress } from "../server/types.ts";
import { mayDecide, state } from "../state.ts";
import { keyHint } from "./controls.ts";
import { openLogin } from "./login.ts";

const NAVIGATION: [CommandName, string][] = [
  ["search", "Go to"],
  ["dashboard", "Dashboard"],
  ["theme", "Theme"],
  ["keys", "Keys"],
];

/** Create the header; it follows the server's info, the progress and the pending decisions. */
export function createHeader(): void {
  createNavigation();
  state.serverInfo.subscribe((info) => {
    byId("survey").textContent = info?.name ?? "tsmu";
    document.title = `${info?.name ?? "tsmu"} – review`;
  });
  state.progress.subscribe((progress) => {
    const { decided = 0, total = 0 } = progress ?? {};
    byId("progress-text").textContent = progress ? `${formatCount(decided)} of ${formatCount(total)} decided` : "";
    byId("progress-rest").textContent = progress ? undecidedText(progress) : "";
    const bar = byId<HTMLProgressElement>("progress-bar");
    bar.max = Math.max(total, 1);
    bar.value = decided;
  });
  createConnection();
  effect(() => {
    const who = byId("who");
    who.textContent = whoText();
    who.title = who.textContent;
    who.dataset.role = mayDecide() ? "reviewer" : "viewer";
  });
}

/** Who looks at the page, and why this person may not decide if so. */
function whoText(): string {
  const info = state.serverInfo.value;
  if (!info) return "";
  const name = state.reviewer.value;
  if (mayDecide() && info.blind) return `${name}, ${info.blind.adjudicates ? "adjudicator, " : ""}blind review`;
  if (mayDecide()) return name;
  return info.write
    ? `${name}, viewer: you may look, not decide`
    : `${name}: only looking, the server was started without --write`;
}

/** What the decided ones lack of the total. */
function undecidedText(progress: ReviewProgress): string {
  const waiting = (["open", "unsure", "bad imagery", "disputed"] as const).filter((state) => progress[state] > 0);
  return waiting.map((state) => `${formatCount(progress[state])} ${state}`).join(", ");
}

/** Buttons that open the other panels; on a narrow screen also queue and images, which lie over the map there. */
function createNavigation(): void {
  const toggleDrawer = (name: "queue" | "sight") => (): void => {
    document.body.dataset.drawer = document.body.dataset.drawer === name ? "" : name;
  };
  byId("nav").replaceChildren(
    el("button", { type: "button", class: "narrow", click: toggleDrawer("queue") }, "Queue"),
    el("button", { type: "button", class: "narrow", click: toggleDrawer("sight") }, "Images"),
    ...NAVIGATION.map(([name, label]) =>
      el("button", { type: "button", id: `to-${name}`, click: () => runCommand(name) }, label, keyHint(name)),
    ),
  );
  state.dashboardOpen.subscribe((open) => byId("to-dashboard").setAttribute("aria-pressed", String(open)));
}

/** Show whether all decisions are saved; a click opens the dialog of those that are not. */
function createConnection(): void {
  const connection = byId("connection");
  state.pending.subscribe(({ count, reason }) => {
    connection.hidden = !mayDecide() && !count; // who looks at the page says that nothing is saved
    connection.dataset.state = reason ? "lost" : count ? "sending" : "saved";
    connection.textContent = connectionText(count, reason);
  });
  connection.addEventListener("click", openPendingDialog);
}

function connectionText(count: number, reason: string | null): string {
  if (reason) return `${formatCounted(count, "decision")} kept here: ${reason}`;
  if (count) return `saving ${formatCounted(count, "decision")}`;
  return "all saved";
}

/** Open the dialog of the decisions that are not saved: send them now, enter another token, or discard them. */
function openPendingDialog(): void {
  const { count, reason } = state.pending.value;
  const dialog = byId<HTMLDialogElement>("outbox");
  const closeAnd = (act?: () => void) => () => {
    dialog.close();
    act?.();
  };
  dialog.replaceChildren(
    el(
      "h2",
      {},
      count ? `${formatCounted(count, "decision waits", "decisions wait")} in this browser` : "Every decision is saved",
    ),
    el(
      "p",
      {},
      reason
        ? `The last answer: ${reason}. Decisions are kept over a reload and sent in their order.`
        : "A decision counts once the server has it on its disk.",
    ),
    el(
      "p",
      { class: "buttons" },
      count > 0 && el("button", { type: "button", click: closeAnd(discardPending) }, `Discard ${count}`),
      state.serverInfo.value?.tokens && el("button", { type: "button", click: closeAnd(openLogin) }, "Another token"),
      count > 0 && el("button", { type: "button", click: closeAnd(() => void sendPending()) }, "Send now"),
      el("button", { type: "button", class: "strong", click: closeAnd() }, "Close"),
    ),
  );
  dialog.showModal();
}
