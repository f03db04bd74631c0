/** A proxy that passes requests on, and lets no WebSocket pass. */

import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class Narrow {
  readonly url: string;
  /** How many WebSockets it has refused. */
  upgrades = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(target: string): Promise<Narrow> {
    const server = createServer((from, to) => pass(from, to, new URL(target)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const narrow = new Narrow(server);
    server.on("upgrade", (_, socket) => {
      narrow.upgrades++;
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    });
    return narrow;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function pass(from: IncomingMessage, to: ServerResponse, { hostname, port }: URL): void {
  const passed = request({ hostname, port, method: from.method, path: from.url, headers: from.headers }, (answer) => {
    to.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(to);
  });
  passed.on("error", () => to.destroy());
  to.on("close", () => passed.destroy());
  from.pipe(passed);
}
