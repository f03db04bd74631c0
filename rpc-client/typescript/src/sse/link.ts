/** A link over server-sent events and `POST`, for networks that let no WebSocket pass. */

import type { Link, LinkEvents } from "../link.js";
import { Events, type Event } from "./events.js";
import { Outgoing } from "./outgoing.js";

/** Makes a request of a link, which may be to outlive its page. @internal */
export type Ask = (
  headers: Record<string, string>,
  body: string | null,
  signal: AbortSignal,
  keepalive?: boolean,
) => Promise<Response>;

/** Milliseconds before a request is made again. */
const WAITS = [0, 100, 250, 500, 1_000];
/** A server gives up a link that has had no stream for so long. */
const MEND = 10_000;
/** A stream that has brought nothing for so long is asked for again. The server sends something each 15 s. */
const SILENT = 45_000;
/** How long the answer to a request may take. */
const ANSWER = 30_000;
/** What has come is acknowledged so late, or after so many characters. */
const ACK_AFTER = 5_000;
const ACK_LENGTH = 65_536;
/** Characters of a request that outlives its page: a browser bounds all such requests by 64 KiB. */
const KEPT = 8_192;
/** Refusals after which the same request may pass. */
const PASSING = [408, 409, 425, 429];
/** Close codes for refusals of the whole client, as a WebSocket would have them. */
const CODES: Record<number, number> = { 401: 4401, 403: 4403, 429: 1013, 503: 1013 };

/** Opened by its first message, which is the hello. @internal */
export class SseLink implements Link {
  readonly #ask: Ask;
  /** Told when the server has answered the hello, and when the link could not be opened. */
  readonly #opened: (isOpen: boolean) => void;
  readonly #aborts = new AbortController();
  readonly #outgoing = new Outgoing();
  #events: LinkEvents | undefined;
  #name: string | undefined;
  #isOver = false;
  #isPosting = false;
  #hasToAnswer = false;
  /** The number of the last message that has come, and of the last that was acknowledged. */
  #received = 0;
  #acknowledged = 0;
  /** Characters that came since. */
  #length = 0;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: Ask, signal: AbortSignal | undefined, opened: (isOpen: boolean) => void) {
    this.#ask = ask;
    this.#opened = opened;
    signal?.addEventListener("abort", () => this.close(1000, ""));
  }

  listen(events: LinkEvents): void {
    this.#events = events;
  }

  backlog(): number {
    return this.#outgoing.length;
  }

  send(message: string | Uint8Array): void {
    if (this.#isOver) return;
    const isFirst = !this.#outgoing.last;
    this.#outgoing.push(message as string);
    if (isFirst) void this.#stream();
    else void this.#post();
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#stop();
    if (!this.#name) return;
    const said = reason.replace(/[^ -~]/g, "?").slice(0, 123);
    const { headers, body } = this.#outgoing.next();
    const closing = { ...this.#headers(), ...headers, "Rpc-Close": `${code} ${said}`.trim() };
    // Nobody waits for the answer: the server finds a link without a stream by itself, but keeps its session.
    this.#ask(closing, body, AbortSignal.timeout(ANSWER), (body?.length ?? 0) <= KEPT).catch(() => {});
  }

  #stop(): void {
    this.#isOver = true;
    clearTimeout(this.#ackTimer);
    this.#aborts.abort();
  }

  #ended(code: number | undefined, reason: string): void {
    if (this.#isOver) return;
    this.#stop();
    if (!this.#name) this.#opened(false);
    this.#events?.closed(code, reason);
  }

  #headers(): Record<string, string> {
    this.#acknowledged = this.#received;
    this.#length = 0;
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    return { ...(this.#name && { "Rpc-Link": this.#name }), "Rpc-Received": String(this.#received) };
  }

  /** Reads the stream until the link is over. A stream that ends before is asked for again. */
  async #stream(): Promise<void> {
    for (let tries = 0, lostAt = Infinity; !this.#isOver; tries++) {
      await sleep(WAITS[Math.min(tries, WAITS.length - 1)]!);
      const before = this.#received;
      const refusal = await this.#read().catch(() => "the stream was lost");
      if (typeof refusal === "object" && (refusal.status < 500 || !this.#name)) {
        const reason = refusal.ok ? "the server offers no server-sent events" : await said(refusal);
        return this.#ended(CODES[refusal.status], reason);
      }
      // A hello that may have been read is not said twice: its session may have begun.
      if (!this.#name) return this.#ended(undefined, "no connection");
      if (this.#received > before) [tries, lostAt] = [-1, Infinity];
      lostAt = Math.min(lostAt, performance.now());
      if (performance.now() - lostAt > MEND) return this.#ended(undefined, "the stream was lost");
    }
  }

  /** Reads one stream to its end. Returns the answer if that is no stream. */
  async #read(): Promise<Response | undefined> {
    const silence = new AbortController();
    const signal = AbortSignal.any([this.#aborts.signal, silence.signal]);
    let timer = setTimeout(() => silence.abort(), ANSWER);
    try {
      const body = this.#name ? null : this.#outgoing.first;
      const response = await this.#ask({ ...this.#headers(), Accept: "text/event-stream" }, body, signal);
      if (!response.ok || !response.body) return response;
      const events = new Events((event) => this.#take(event));
      const decoder = new TextDecoder();
      for (const reader = response.body.getReader(); ; ) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENT);
        const { value, done } = await reader.read();
        if (done) return undefined;
        events.push(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #take({ name, id, data }: Event): void {
    if (this.#isOver) return;
    if (name === "ping") {
      this.#hasToAnswer = true;
      void this.#post();
    } else if (name === "close") {
      const { code, reason } = JSON.parse(data) as { code?: number; reason?: string };
      this.#ended(code, reason ?? "");
    } else if (!name && id === this.#received + 1) {
      this.#received = id;
      if (id === 1) this.#greeted(data);
      this.#acknowledgeSoon(data.length);
      this.#events?.message(data);
    }
  }

  #greeted(hello: string): void {
    const { params } = JSON.parse(hello) as { params?: { link?: string } };
    this.#name = params?.link;
    if (!this.#name) return this.#ended(1002, "the server has not named the link");
    this.#outgoing.acknowledge(1);
    this.#opened(true);
    void this.#post();
  }

  #acknowledgeSoon(length: number): void {
    this.#length += length;
    if (this.#length >= ACK_LENGTH) void this.#post();
    else {
      this.#ackTimer ??= setTimeout(() => {
        this.#ackTimer = undefined;
        void this.#post();
      }, ACK_AFTER);
    }
  }

  /** Posts what there is, one request after the other. What is sent meanwhile gathers for the next. */
  async #post(): Promise<void> {
    if (this.#isPosting || !this.#name) return;
    this.#isPosting = true;
    await undefined; // what is sent in the same turn leaves together
    for (let tries = 0, lostAt = Infinity; !this.#isOver && this.#hasToPost(); tries++) {
      await sleep(WAITS[Math.min(tries, WAITS.length - 1)]!);
      if (this.#isOver) break;
      this.#hasToAnswer = false;
      const { headers, body } = this.#outgoing.next();
      const signal = AbortSignal.any([this.#aborts.signal, AbortSignal.timeout(ANSWER)]);
      const response = await this.#ask({ ...this.#headers(), ...headers }, body, signal).catch(() => undefined);
      const received = Number(response?.headers.get("Rpc-Received") ?? NaN);
      if (response?.ok && this.#outgoing.acknowledge(received)) [tries, lostAt] = [-1, Infinity];
      else if (response?.ok) this.#ended(1002, "the server has taken in what was not sent");
      else if (response && response.status < 500 && !PASSING.includes(response.status)) {
        this.#ended(CODES[response.status], await said(response));
      } else {
        this.#hasToAnswer = true;
        lostAt = Math.min(lostAt, performance.now());
        if (performance.now() - lostAt > ANSWER) this.#ended(undefined, "no request was answered");
      }
    }
    this.#isPosting = false;
  }

  #hasToPost(): boolean {
    return this.#hasToAnswer || this.#outgoing.length > 0 || this.#isToAcknowledge();
  }

  #isToAcknowledge(): boolean {
    return this.#received > this.#acknowledged && (this.#length >= ACK_LENGTH || !this.#ackTimer);
  }
}

function sleep(ms: number): Promise<void> | undefined {
  return ms ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined;
}

/** Returns what a refusal says. */
async function said(response: Response): Promise<string> {
  const text = await response.text().catch(() => "");
  return `HTTP ${response.status}${text && `: ${text.slice(0, 100)}`}`;
}
