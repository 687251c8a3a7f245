// What changes in the database, as the server tells it: a stream of server-sent events that is read by `fetch`, because
// the browser's own EventSource cannot send the token.
import { apiUrl, authorizationHeaders, checkToken, refusal } from "./api.ts";
import type { ChangeEvent } from "./types.ts";

const FIRST_RETRY_DELAY = 1000; // ms; doubled after each failure
const LONGEST_RETRY_DELAY = 30_000; // ms
/** ms without a word after which the connection is taken for lost; the server says something every 15 s. */
const SILENCE = 45_000;

/** One server-sent event. */
interface StreamEvent {
  name: string;
  id: string;
  data: string;
}

/** Takes a stream's text in pieces of any length, and gives the events that are complete. */
export class EventParser {
  private rest = "";

  /** @example new EventParser().push("id: 7\nevent: change\ndata: {}\n\n")[0]?.id; // "7" */
  push(text: string): StreamEvent[] {
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(parseBlock).filter((event): event is StreamEvent => event !== null);
  }
}

/** An event from its lines; null where they are only a sign of life. */
function parseBlock(block: string): StreamEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  const name = fields.get("event");
  return name ? { name, id: fields.get("id") ?? "", data: fields.get("data") ?? "" } : null;
}

/**
 * Call back for all that changes from a mark on, as long as the page is open.
 *
 * A lost connection is opened again and goes on after the last event. While the page is hidden there is none, because
 * browsers open only six to one server, for all tabs together.
 */
export function followChanges(mark: string, onChange: (change: ChangeEvent) => void): void {
  let lastId = mark;
  let connection: AbortController | null = null;
  let delay = FIRST_RETRY_DELAY;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isWanted = (): boolean => document.visibilityState === "visible" && refusal.value === null;

  const open = async (): Promise<void> => {
    clearTimeout(timer);
    if (connection || !isWanted()) return;
    const opened = (connection = new AbortController());
    try {
      for await (const { name, id, data } of readEvents(lastId, opened)) {
        delay = FIRST_RETRY_DELAY;
        if (id) lastId = id;
        if (name === "change") onChange(JSON.parse(data) as ChangeEvent);
      }
    } catch {
      // lost, or closed by this page
    }
    connection = null;
    if (!isWanted()) return;
    timer = setTimeout(() => void open(), delay);
    delay = Math.min(delay * 2, LONGEST_RETRY_DELAY);
  };
  const follow = (): void => {
    if (isWanted()) void open();
    else connection?.abort();
  };
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("online", follow);
  refusal.subscribe(follow);
}

/** The events after one, until the connection ends; throws where there is none, or it has been silent for too long. */
async function* readEvents(lastId: string, connection: AbortController): AsyncGenerator<StreamEvent> {
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const expectWord = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => connection.abort(), SILENCE);
  };
  try {
    expectWord();
    const headers = { ...authorizationHeaders(), "Last-Event-ID": lastId };
    const response = await fetch(apiUrl("changes"), { headers, signal: connection.signal });
    if (response.status === 401) checkToken();
    if (!response.ok || !response.body) throw new Error(response.statusText);
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      expectWord();
      yield* parser.push(value);
    }
  } finally {
    clearTimeout(watchdog);
  }
}
