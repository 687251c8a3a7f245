// What is said where no landslide is chosen: at the end of a queue what to do next.
import type { VNode } from "preact";
import { formatCount, formatCounted } from "../lib/format.ts";
import { runCommand } from "../review/commands.ts";
import { clearFilters, hasFilters, openQueue, restartQueue } from "../review/queue.ts";
import { mayDecide, onlyJudges, QUEUE_NAMES, type QueueName, state } from "../state.ts";

/** In place of a landslide's record: how to choose one, or what is left to do when the queue is empty. */
export function NothingChosen(): VNode {
  if (state.filterError.value) return <p class="quiet">The filters are not understood: correct them.</p>;
  if (state.queueAnswer.value === "awaited") return <p class="quiet">The queue is on its way.</p>;
  if (state.queue.value.length) return <p class="quiet">No landslide is chosen: click one, or take the next.</p>;
  return (
    <div class="end" role="status">
      {state.queueAnswer.value === "failed" ? <NotRead /> : <WhatNext />}
    </div>
  );
}

const NotRead = (): VNode => (
  <>
    <h2>The queue cannot be read</h2>
    <p>Is the server running, and the network there?</p>
    <Reload />
  </>
);

const Reload = (): VNode => (
  <button type="button" onClick={() => void restartQueue()}>
    Load the queue again
  </button>
);

/** What fits best: wait, clear the filters, another queue, or on to the model. */
function WhatNext(): VNode {
  const { count } = state.pending.value;
  const progress = state.progress.value;
  const isLeft = (name: QueueName): boolean => !!progress?.[name];
  const others = QUEUE_NAMES.filter((name) => name !== state.queueName.value && isLeft(name));
  const isMore = count === 0 && isLeft(state.queueName.value);
  return (
    <>
      <h2>{progress?.total ? "Nothing is left in this queue" : "No landslides here"}</h2>
      {count > 0 && <p>{formatCounted(count, "decision is", "decisions are")} not saved yet: keep this page open.</p>}
      {hasFilters() && (
        <>
          <p>The filters leave nothing else.</p>
          <button type="button" onClick={clearFilters}>
            Clear the filters
          </button>
        </>
      )}
      {others.map((name) => (
        <button type="button" key={name} onClick={() => openQueue(name)}>
          Go to {name}: {formatCount(progress?.[name] ?? 0)}
        </button>
      ))}
      {isMore && <Reload />}
      {!hasFilters() && !others.length && !isMore && <Onwards />}
    </>
  );
}

/** What to do when everything is decided: let the model learn from it; without landslides, map some first. */
function Onwards(): VNode {
  if (!state.progress.value?.total)
    return (
      <p>
        The database has none yet: run <code>tsmu map</code>. They appear here while the page is open.
      </p>
    );
  return (
    <>
      <p>
        {onlyJudges() ? "You have judged every landslide that is not settled." : "Every landslide is decided."}
        {!onlyJudges() && mayDecide() && " Let the model learn from it, in a terminal:"}
      </p>
      {!onlyJudges() && mayDecide() && (
        <ol>
          {["tsmu labels from-review", "tsmu chips build", `tsmu update ${regionArgument()}`].map((command) => (
            <li key={command}>
              <code>{command}</code>
            </li>
          ))}
        </ol>
      )}
      <button type="button" onClick={() => runCommand("dashboard")}>
        Dashboard and export
      </button>
    </>
  );
}

/** The region to update: the only one of the survey, else to be filled in. */
function regionArgument(): string {
  const regions = state.serverInfo.value?.regions ?? [];
  return regions.length === 1 ? (regions[0] ?? "REGION") : "REGION";
}
