/** What a page needs: a browser, a site that serves the page, a server, and a network between the two. */

import WebSocket from "ws";
import { connect, type Peer } from "../../../src/index.js";
import { Proxy, Reference } from "../../support/reference.js";
import { Chromium } from "./chromium.js";
import { Site } from "./site.js";
import type { Tab } from "./tab.js";

export class Setting {
  readonly chromium: Chromium;
  readonly site: Site;
  server: Reference;
  /** Between pages and the server. */
  readonly proxy: Proxy;
  /** Another client of the server, which sees what it does. */
  readonly observer: Peer;
  readonly #flags: string[];

  private constructor(
    chromium: Chromium,
    site: Site,
    server: Reference,
    flags: string[],
    proxy: Proxy,
    observer: Peer,
  ) {
    this.chromium = chromium;
    this.site = site;
    this.server = server;
    this.#flags = flags;
    this.proxy = proxy;
    this.observer = observer;
  }

  /** Starts all of it, with flags of the server and of the browser. */
  static async start(ofServer: readonly string[] = [], ofChromium: readonly string[] = []): Promise<Setting> {
    // By which a test that takes too long is ended. What was started ends with it.
    process.once("SIGTERM", () => process.exit(1));
    const site = await Site.start();
    const flags = ["--allow-origin", site.url, ...ofServer];
    const server = await Reference.start(...flags);
    const proxy = await Proxy.start(server.url);
    site.connects.push(server.url, proxy.url);
    const observer = await connect(server.url, { WebSocket });
    return new Setting(await Chromium.start(ofChromium), site, server, flags, proxy, observer);
  }

  /** The URL of the server, by way of the proxy. */
  get url(): string {
    return this.proxy.url;
  }

  /** Opens the page. */
  open(): Promise<Tab> {
    return this.chromium.open(this.site.url);
  }

  /** Kills the server, and starts another one in its place. */
  async restart(): Promise<void> {
    await this.server.stop("SIGKILL");
    this.server = await Reference.start("--listen", new URL(this.server.url).host, ...this.#flags);
  }

  async stop(): Promise<void> {
    await this.chromium.stop();
    this.observer.close();
    await this.proxy.stop();
    await this.server.stop();
    await this.site.stop();
  }
}
