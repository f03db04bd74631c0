/** A peer over one link. */

import { Core, type PeerOptions } from "./core.js";
import type { Link } from "./link.js";
import { Peer } from "./peer.js";
import { gathering } from "./sequences.js";
import { webSocket, type Provided, type WebSocketOptions } from "./websocket.js";

export interface ConnectOptions extends PeerOptions, WebSocketOptions {}

/** Connects to a URL. The peer ends with its link. */
export async function connect(url: Provided<string | URL>, options: ConnectOptions = {}): Promise<Peer> {
  return overLink(await webSocket(url, options)({ protocols: [] }), options);
}

/** Makes a peer over a link of any kind. The peer ends with the link. */
export function overLink(carrier: Link, options: PeerOptions = {}): Peer {
  const core = new Core(options);
  const link = gathering(carrier, core);
  const isOpen = (): boolean => link.backlog() < core._limits.queue;
  core._outbox = {
    _isOpen: isOpen,
    _send(message, isOwed) {
      const hasRoom = isOwed || isOpen();
      const text = hasRoom && message._leave();
      if (text) link.send(text);
      return hasRoom;
    },
    _post: (text) => link.send(text),
    _close: (code, reason) => link.close(code, reason),
  };
  const peer = core._install(new Peer(core));
  if ((options.hello ?? "always") === "always") core._greet();
  link.listen({
    message: (text, length) => core._end ?? core._receive(text, length),
    closed: (code, reason) => core._ended({ by: code ? "peer" : "link", code, reason }),
  });
  return peer;
}
