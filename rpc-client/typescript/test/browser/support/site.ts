/** Serves the page, under a policy as strict as there is. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class Site {
  readonly url: string;
  /** Where pages may connect to, by WebSockets and by requests: the policy tells these apart. */
  readonly connects: string[] = [];
  readonly #server: Server;
  #tickets = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<Site> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const site = new Site(server);
    server.on("request", ({ url }, response) => site.#answer(url!, response));
    return site;
  }

  #answer(path: string, response: ServerResponse): void {
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      `connect-src 'self' ${this.connects.flatMap((url) => [url, url.replace("ws", "http")]).join(" ")}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ];
    response.setHeader("Content-Security-Policy", policy.join("; "));
    response.setHeader("Content-Type", path === "/page.js" ? "text/javascript" : "text/html");
    response.end(this.#content(path));
  }

  #content(path: string): string | Buffer {
    switch (path) {
      case "/page.js":
        return readFileSync("build/browser/page.js");
      case "/elsewhere":
        return "<!doctype html><title>Elsewhere</title>";
      case "/ticket":
        return `${++this.#tickets}`;
      default:
        return readFileSync("test/browser/page/index.html");
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
