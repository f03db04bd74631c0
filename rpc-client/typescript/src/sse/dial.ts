/** Dials a server by server-sent events and `POST`, always or where a WebSocket fails. */

import type { Dial } from "../link.js";
import { provided, webSocket, type Provided, type WebSocketOptions } from "../websocket.js";
import { SseLink, type Ask } from "./link.js";
import { watch } from "./watch.js";

export interface SseOptions {
  /** Headers of each request, such as `Authorization`. A function gives them for each request. */
  readonly headers?: Provided<Record<string, string>>;
  /** Whether a page sends its cookies to another origin: see `fetch`. Default: `"same-origin"`. */
  readonly credentials?: RequestCredentials;
}

export interface FallbackOptions extends WebSocketOptions, SseOptions {
  /** Milliseconds that a WebSocket may take to open, and again until something comes over it. Default: 5,000. */
  readonly webSocketWithin?: number;
}

/** How long a client goes without a WebSocket before it tries one again. */
const DETOUR = 10 * 60_000;

/**
 * Dials a link over server-sent events and `POST`, which passes where a WebSocket does not. The server must offer that
 * (`ServerBuilder::sse` in Rust). The URL may begin with `ws` or `http`, and is the same as that of a WebSocket.
 *
 * Only text goes over such a link: bytes leave as base64.
 */
export function sse(url: Provided<string | URL>, options: SseOptions = {}): Dial {
  return dialSse(url, options, () => {});
}

/**
 * Dials a WebSocket and, if there is none, a link over server-sent events and `POST`. A client that stays connected goes
 * on without a WebSocket for ten minutes, and tries one again when it connects after that.
 *
 * Some proxies let a WebSocket open and swallow what comes over it. So a WebSocket is lost if its first message is a
 * hello and nothing comes in time; the next attempt goes without one. A call that was made meanwhile fails, unless a
 * session goes on. A server that answers no hello has no other way either, so use `webSocket` for it; its silence over
 * this one counts only once in ten minutes.
 */
export function webSocketOrSse(url: Provided<string | URL>, options: FallbackOptions = {}): Dial {
  const within = options.webSocketWithin ?? 5_000;
  /** Until when the client goes without a WebSocket, and until when it takes one that is silent. */
  let until = 0;
  let trusting = 0;
  const inTenMinutes = (): number => performance.now() + DETOUR;
  const first = webSocket(url, options);
  const second = dialSse(url, options, (isOpen) => {
    [until, trusting] = isOpen ? [Math.max(until, inTenMinutes()), 0] : [0, inTenMinutes()];
  });
  return async (attempt) => {
    if (performance.now() >= until) {
      // Not a signal with a time of its own, which would end the link as well.
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), within);
      const signal = AbortSignal.any([late.signal, attempt.signal ?? late.signal]);
      try {
        const link = await first({ ...attempt, signal });
        if (performance.now() >= trusting) watch(link, within, signal, () => (until = inTenMinutes()));
        return link;
      } catch (error) {
        if (attempt.signal?.aborted) throw error;
      } finally {
        clearTimeout(timer);
      }
    }
    return second(attempt);
  };
}

function dialSse(url: Provided<string | URL>, options: SseOptions, opened: (isOpen: boolean) => void): Dial {
  return async ({ signal }) => {
    const address = String(await provided(url)).replace(/^ws/i, "http");
    const ask: Ask = async (headers, body, signal, keepalive = false) =>
      fetch(address, {
        method: "POST",
        headers: {
          ...(await provided(options.headers)),
          ...headers,
          ...(body !== null && { "Content-Type": "application/json" }),
        },
        body,
        signal,
        credentials: options.credentials ?? "same-origin",
        cache: "no-store",
        keepalive,
      });
    return new SseLink(ask, signal, opened);
  };
}
