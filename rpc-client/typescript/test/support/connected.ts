/** A peer under test before a raw end. */

import { afterEach } from "node:test";
import { overLink, type Handlers, type Peer, type PeerOptions } from "../../src/index.js";
import { pair, Raw } from "./pair.js";

const peers: Peer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

/** Closes the peer at the end of the test, unless the test does. */
export function closing(peer: Peer): void {
  peers.push(peer);
}

/** Connects a peer, which is closed at the end of the test. */
export function connect(options: PeerOptions = {}): { raw: Raw; peer: Peer } {
  const [near, far] = pair();
  const raw = new Raw(far);
  const peer = overLink(near, { hello: "auto", onError: () => {}, ...options });
  closing(peer);
  return { raw, peer };
}

/** Connects two peers, the far one with handlers; both are closed at the end of the test. */
export function both(
  handlers: Handlers,
  options: PeerOptions = {},
): { near: Peer; far: Peer; link: ReturnType<typeof pair>[0] } {
  const [left, right] = pair();
  const far = overLink(right, { handlers, onError: () => {} });
  const near = overLink(left, options);
  closing(near);
  closing(far);
  return { near, far, link: right };
}
