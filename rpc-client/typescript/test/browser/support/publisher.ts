/** A server in this program that publishes a value. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { Live, overLink, overSocket, stream } from "../../../src/index.js";

export interface Row {
  readonly name: string;
  load: number;
  jobs: number;
}

export interface Table {
  changes: number;
  rows: Row[];
}

export class Publisher {
  readonly live: Live<Table>;
  readonly url: string;
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer, rows: number) {
    const row = (_: unknown, n: number): Row => ({ name: `agent ${n}`, load: 0, jobs: n });
    this.live = new Live<Table>({ changes: 0, rows: Array.from({ length: rows }, row) });
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const handlers = { table: stream([], () => this.live.subscribe()) };
    server.on("connection", (socket) => void overSocket(socket).then((link) => overLink(link, { handlers })));
  }

  static async start(rows: number, port: string | number = 0): Promise<Publisher> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port) });
    await once(server, "listening");
    return new Publisher(server, rows);
  }

  /** Changes one row after the other, so many in a second, each by itself. */
  async change(times: number, rate: number): Promise<void> {
    const begun = performance.now();
    for (let done = 0; done < times; done++) {
      const wait = begun + (done * 1_000) / rate - performance.now();
      await new Promise((next) => (wait > 1 ? setTimeout(next, wait) : setImmediate(next)));
      this.live.update((table) => {
        const row = table.rows[(table.changes++ * 7) % table.rows.length]!;
        row.load = Math.round(Math.random() * 1_000) / 10;
        row.jobs++;
      });
    }
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, "close");
  }
}
