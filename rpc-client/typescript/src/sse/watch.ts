/** Finds out that a WebSocket has opened and carries nothing. */

import type { Link } from "../link.js";

const HELLO = '{"jsonrpc":"2.0","method":"$/hello"';

/**
 * Ends a link whose first message is a hello if nothing comes within so many milliseconds, and tells `silent` before.
 * @internal
 */
export function watch(link: Link, within: number, signal: AbortSignal, silent: () => void): void {
  const { listen, send, close } = link;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lost: () => void = () => {};
  const heard = (): void => {
    clearTimeout(timer);
    link.send = send;
  };
  link.listen = (events) => {
    lost = () => events.closed(undefined, "the WebSocket has opened, and then nothing came");
    listen({
      message: (text) => (heard(), events.message(text)),
      binary: (message) => (heard(), events.binary?.(message) ?? false),
      closed: (code, reason) => (heard(), events.closed(code, reason)),
    });
  };
  link.send = (message) => {
    link.send = send;
    send(message);
    if (typeof message !== "string" || !message.startsWith(HELLO)) return;
    timer = setTimeout(() => {
      silent();
      // The session goes on over another link.
      close(4410, "nothing came");
      lost();
    }, within);
  };
  link.close = (code, reason) => {
    heard();
    close(code, reason);
  };
  signal.addEventListener("abort", heard);
}
