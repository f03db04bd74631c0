/** A peer over one link. */

import { Core, type PeerOptions } from "./core.js";
import type { Link } from "./link.js";
import { Peer } from "./peer.js";
import { webSocket, type Provided, type WebSocketOptions } from "./websocket.js";

export interface ConnectOptions extends PeerOptions, WebSocketOptions {}

/** Connects to a URL. The peer ends with its link. */
export async function connect(url: Provided<string | URL>, options: ConnectOptions = {}): Promise<Peer> {
  return overLink(await webSocket(url, options)({ protocols: [] }), options);
}

/** Makes a peer over a link of any kind. The peer ends with the link. */
export function overLink(link: Link, options: PeerOptions = {}): Peer {
  const core = new Core(options);
  const isOpen = (): boolean => link.backlog() < core.limits.queue;
  core.outbox = {
    isOpen,
    isUp: () => true,
    send(message, isOwed) {
      const hasRoom = isOwed || isOpen();
      const text = hasRoom && message.leave();
      if (text) link.send(text);
      return hasRoom;
    },
    post: (text) => link.send(text),
    async room() {
      // No event tells that a backlog has left.
      while (!isOpen() && !core.end) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    drop(reason) {
      link.close(4410, reason);
      core.ended({ by: "link", code: undefined, reason });
    },
    close: (code, reason) => link.close(code, reason),
  };
  const peer = core.install(new Peer(core));
  if ((options.hello ?? "always") === "always") core.greet();
  link.listen({
    message: (text) => core.end ?? core.receive(text),
    closed: (code, reason) => core.ended({ by: code ? "peer" : "link", code, reason }),
  });
  return peer;
}
