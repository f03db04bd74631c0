/** The page that the tests visit: an app that stays connected, shows its state, and sends files. */

import * as all from "two-way-json-rpc";

declare global {
  /** The package. */
  var rpc: typeof all;
  var app: App;
}

export interface Uploaded {
  readonly bytes: number;
  readonly hash: number;
}

/** How much of a file is one item. */
const CHUNK = 48 * 1024;

class App {
  client!: all.Client;
  /** Clients beside it. */
  readonly clients: all.Client[] = [];
  readonly states: all.State[] = [];
  /** What a step of a test leaves for the next one. */
  readonly calls: Promise<unknown>[] = [];
  readonly items: unknown[] = [];
  /** What the policy of the page has refused. */
  readonly violations: string[] = [];

  /** Connects, and follows the life of the page. */
  stay(url: all.Provided<string>, options: all.ClientOptions = {}): all.Client {
    return this.#follow(all.keepConnected(url, this.#told(options)));
  }

  /** The same over links of another kind. */
  stayOver(dial: all.Dial, options: all.ClientOptions = {}): all.Client {
    return this.#follow(new all.Client(dial, this.#told(options)));
  }

  #told(options: all.ClientOptions): all.ClientOptions {
    const onState = (state: all.State): void => {
      this.states.push(state);
      element("state").textContent = all.describe(state);
    };
    return { features: [all.liveness()], ...options, onState };
  }

  #follow(client: all.Client): all.Client {
    this.client = client;
    all.followPage(client);
    return client;
  }

  /** Whether the client has lost nothing since it was up for the first time. */
  get isWhole(): boolean {
    return this.states.every(({ is }) => is !== "fresh" && is !== "ended");
  }

  /** Sends the file that the user has picked, and shows how far the server has read it. */
  upload(peer: all.Peer): Promise<Uploaded> {
    const file = element<HTMLInputElement>("file").files![0]!;
    const progress = element<HTMLProgressElement>("progress");
    progress.max = file.size;
    return peer.call<Uploaded, number>("upload", [all.sendStream(chunks(file))], {
      onProgress: (bytes) => (progress.value = bytes),
    });
  }
}

async function* chunks(file: File): AsyncGenerator<string> {
  for (let at = 0; at < file.size; at += CHUNK) yield base64(file.slice(at, at + CHUNK));
}

/** Reads bytes as base64 text, as any browser can. */
function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).split(",")[1]!);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

globalThis.rpc = all;
globalThis.app = new App();
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  app.violations.push(`${violatedDirective} ${blockedURI}`);
});
