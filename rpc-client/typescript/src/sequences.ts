/**
 * Several messages in one: JSON text sequences (RFC 7464), since each message of a WebSocket costs a system call and an
 * event, and a browser sends it to another process.
 */

import type { Attached, Core, Text } from "./core.js";
import type { Link, LinkEvents } from "./link.js";

/** Stands before each text of a sequence, and never in JSON. */
const SEPARATOR = "\x1e";

/** The longest sequence, and the longest text in one. */
const LONGEST = 65_536;
const LONGEST_TEXT = 4_096;

/** An `async` function makes its next message so many microtasks behind what it waited for. */
const ROUNDS = 4;

/** A link as a peer uses it. @internal */
export interface Line extends Omit<Link, "send" | "listen"> {
  listen(events: LineEvents): void;
  send(text: Text): void;
}

/** What a peer is told: each message, and how long it is with base64 in the place of bytes. @internal */
export interface LineEvents extends Omit<LinkEvents, "message" | "binary"> {
  message(text: string, length?: number): void;
}

/**
 * Returns the link with messages as the peer has them. What is sent in one turn leaves together at its end, if the
 * other end has said that it reads sequences; a message that is alone, or long, leaves as it is.
 */
export function gathering(link: Link, core: Core): Line {
  let texts: string[] = [];
  let length = 0;
  /** Microtasks that are left until what waits leaves; none if nothing waits. */
  let rounds = 0;
  core._carriesBinary = link.binary;
  const look = (): void => {
    if (--rounds > 0) queueMicrotask(look);
    else flush();
  };
  const flush = (): void => {
    if (texts.length > 1) link.send(`${SEPARATOR}${texts.join(`\n${SEPARATOR}`)}\n`);
    else if (length > 0) link.send(texts[0]!);
    texts = [];
    length = 0;
  };
  return {
    listen: (events) =>
      link.listen({
        message(text) {
          if (!text.startsWith(SEPARATOR)) return events.message(text);
          for (const line of text.split(SEPARATOR)) {
            const text = line.endsWith("\n") ? line.slice(0, -1) : line;
            if (text) events.message(text);
          }
        },
        binary: (message) => core._takeBytes?.(message, events.message) ?? false,
        closed: events.closed,
      }),
    send(text) {
      const size = text.length + 2;
      // A text with bytes beside it is long.
      const isAlone = core._greeting?.sequences !== true || size > LONGEST_TEXT;
      if (isAlone || length + size > LONGEST) flush();
      if (isAlone) return link.send((text as Partial<Attached>)._pack?.(core) ?? (text as string));
      length += size;
      texts.push(text as string);
      if (rounds < 1) queueMicrotask(look);
      rounds = ROUNDS;
    },
    backlog: () => link.backlog() + length,
    close(code, reason) {
      flush();
      link.close(code, reason);
    },
  };
}
