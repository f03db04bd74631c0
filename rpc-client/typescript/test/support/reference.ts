/** The reference server, and a proxy before it that cuts and stalls. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

const PROGRAM = process.env["REFERENCE_SERVER"];

export class Reference {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start(...flags: string[]): Promise<Reference> {
    if (!PROGRAM) throw new Error("REFERENCE_SERVER names the program of the reference server");
    const args = ["--listen", "127.0.0.1:0", "--max-level", "error", ...flags];
    const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
    process.on("exit", () => child.kill("SIGKILL"));
    const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
    return new Reference(line.replace("listening on ", ""), child);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }
}

/** Carries bytes both ways, until told otherwise. */
export class Proxy {
  readonly url: string;
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  /** New connections are dropped at once. */
  refuses = false;
  /** New connections are taken, and carry nothing. */
  isSilent = false;
  /** The targets of all requests that came, in their order. */
  readonly targets: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(target: string): Promise<Proxy> {
    const port = Number(new URL(target).port);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new Proxy(server);
    server.on("connection", (near) => proxy.#carry(near, port));
    return proxy;
  }

  #carry(near: Socket, port: number): void {
    if (this.refuses) return void near.destroy();
    const far = connectTcp(port, "127.0.0.1");
    const ends: [Socket, Socket] = [near, far];
    this.#pairs.add(ends);
    near.once("data", (head: Buffer) => this.targets.push(head.toString("latin1").split(" ")[1]!));
    for (const [from, to] of [ends, [far, near]] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(ends);
      });
    }
    if (this.isSilent) silence(ends);
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Cuts all connections, in the middle of whatever is on its way. */
  cut(): void {
    for (const ends of [...this.#pairs]) for (const end of ends) end.destroy();
  }

  /** Carries nothing any more on the present connections, without an end. */
  stall(): void {
    for (const ends of this.#pairs) silence(ends);
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function silence([near, far]: readonly [Socket, Socket]): void {
  near.unpipe(far);
  far.unpipe(near);
  near.resume();
  far.resume();
}
