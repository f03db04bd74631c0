/** Backpressure for those who send much. */

import type { Core } from "./core.js";
import type { Peer } from "./peer.js";

/** Waits until the peer has room for more, or has ended. */
export function ready(peer: Peer): Promise<void> {
  return hasRoom(peer._core);
}

/** Waits until there is room, or never will be. @internal */
export async function hasRoom(core: Core): Promise<void> {
  while (!core._outbox._isOpen() && !core._end) await look(core);
}

/**
 * Resolves when it is time to look again: when a message comes, and after a moment, since no event tells that the
 * backlog of a link has left. Where a page is hidden, a moment is a second or a minute. @internal
 */
export function look(core: Core): Promise<void> {
  return (core._look ??= new Promise((resolve) => {
    const timer = core._outbox._isUp?.() === false ? undefined : setTimeout(() => core._stir!(), 5);
    core._stir = () => {
      clearTimeout(timer);
      core._look = core._stir = undefined;
      resolve();
    };
  }));
}
