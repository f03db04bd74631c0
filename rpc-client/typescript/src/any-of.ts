/** Dials one of several servers. */

import { ConnectError, type Dial, type Link } from "./link.js";

/**
 * Dials the servers in this order of preference until one answers. A client that stays connected begins with the server
 * of its session, as long as the session may be resumed; it waits only when all have failed. Each is offered the same
 * session, so all should be yours.
 *
 * ```ts
 * new Client(anyOf(webSocket("wss://a.example.com"), webSocketOrSse("wss://b.example.com")));
 * ```
 */
export function anyOf(...dials: readonly [Dial, ...Dial[]]): Dial {
  /** The server to which a link was made last. */
  let home = 0;
  /** Those that have not failed since the last message of any, the next one first. */
  let left: number[] = [];
  return async (attempt) => {
    if (!left.length) {
      const first = attempt.protocols.length ? home : 0;
      left = [first, ...[...dials.keys()].filter((at) => at !== first)];
    }
    let failure: unknown;
    while (left.length) {
      const at = left[0]!;
      const hasFailed = () => void (left[0] === at && left.shift());
      try {
        const link = await dials[at]!(attempt);
        home = at;
        return watched(link, () => (left = []), hasFailed);
      } catch (error) {
        hasFailed();
        if (!failure || isRefusal(failure)) failure = isRefusal(error) ? (failure ?? error) : error;
        // The attempt has no more time. The next one begins with the next server.
        if (attempt.signal?.aborted) break;
      }
    }
    throw failure;
  };
}

/** Tells of the first message of a link, and of its end. */
function watched(link: Link, heard: () => void, closed: () => void): Link {
  const listen = link.listen.bind(link);
  link.listen = (events) =>
    listen({
      ...events,
      message(text) {
        heard();
        events.message(text);
      },
      closed(code, reason) {
        closed();
        events.closed(code, reason);
      },
    });
  return link;
}

/** Whether a server does not want the client: another one may, and that says more. */
function isRefusal(error: unknown): boolean {
  return error instanceof ConnectError && (error.status === 401 || error.status === 403);
}
