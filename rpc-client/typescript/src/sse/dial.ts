/** Dials a server by server-sent events and `POST`, always or where a WebSocket fails. */

import type { Dial } from "../link.js";
import { provided, webSocket, type Provided, type WebSocketOptions } from "../websocket.js";
import { SseLink, type Ask } from "./link.js";

export interface SseOptions {
  /** Headers of each request, such as `Authorization`. A function gives them for each request. */
  readonly headers?: Provided<Record<string, string>>;
  /** Whether a page sends its cookies to another origin: see `fetch`. Default: `"same-origin"`. */
  readonly credentials?: RequestCredentials;
}

export interface FallbackOptions extends WebSocketOptions, SseOptions {
  /** Milliseconds that a WebSocket may take to open. Default: 5,000. */
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
 */
export function webSocketOrSse(url: Provided<string | URL>, options: FallbackOptions = {}): Dial {
  let until = 0;
  const first = webSocket(url, options);
  const second = dialSse(url, options, (isOpen) => (until = isOpen ? Math.max(until, performance.now() + DETOUR) : 0));
  return async (attempt) => {
    if (performance.now() >= until) {
      // Not a signal with a time of its own, which would end the link as well.
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), options.webSocketWithin ?? 5_000);
      try {
        return await first({ ...attempt, signal: AbortSignal.any([late.signal, attempt.signal ?? late.signal]) });
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
    const ask: Ask = async (headers, body, signal) =>
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
      });
    return new SseLink(ask, signal, opened);
  };
}
