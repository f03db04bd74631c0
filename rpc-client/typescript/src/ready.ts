/** Backpressure for those who send much. */

import type { Core } from "./core.js";
import type { Peer } from "./peer.js";

/** Waits until the peer has room for more, or has ended. */
export function ready(peer: Peer): Promise<void> {
  return hasRoom(peer._core);
}

/** Waits until there is room, or never will be. @internal */
export async function hasRoom(core: Core): Promise<void> {
  const outbox = core._outbox;
  if (outbox._room) return outbox._room();
  // No event tells that a backlog has left.
  while (!outbox._isOpen() && !core._end) await new Promise((resolve) => setTimeout(resolve, 5));
}
