/** The vectors of the wire, which each implementation plays. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import {
  batchAnswers,
  bytes,
  bytesOf,
  CallError,
  Client,
  exactJson,
  method,
  mutable,
  mute,
  offered,
  offers,
  overLink,
  report,
  RpcError,
  sendStream,
  stream,
  streamParam,
  subscribe,
  unmute,
  type Context,
  type Feature,
  type Handler,
  type Incoming,
  type Link,
  type Model,
  type Peer,
  type PeerOptions,
} from "../src/index.js";
import { binaryMessage, pair, pause, Raw } from "./support/pair.js";

const FOLDER = "../../rpc-core/tests/vectors";

const math = {
  name: "math",
  version: "1.2",
  hash: "4269ad96ca645a286d8504b98e7c7eb6",
  methods: ["math.half", "math.twice"],
};

/** As the generator writes it. */
const integer = { format: "int64", type: "integer" };
const model: Model = {
  end: "client",
  services: (["server", "client"] as const).map((servedBy) => ({
    name: "Math",
    namespace: "math",
    separator: ".",
    version: "1.2",
    servedBy,
    digest: math.hash,
    methods: math.methods.map((name) => ({
      name,
      call: { kind: "request", result: integer },
      params: [{ name: "of", kind: "value", schema: integer }],
    })),
  })),
};

interface Vector {
  readonly name: string;
  readonly end: "both" | "opener" | "accepter";
  readonly session?: boolean;
  readonly steps: readonly (string | Step)[];
}

/** Each step has members of its own. */
type Step = { readonly [member: string]: any };

/** What is known of a call or a stream. */
interface Known {
  readonly aborts: AbortController;
  readonly ended?: Promise<{ result: unknown } | { error: unknown }>;
  readonly items?: Incoming<unknown>;
  readonly gaps: unknown[];
}

/** What the peer under test does in each folder. */
const FEATURES: { readonly [folder: string]: Feature[] } = {
  binary: [bytes],
  offers: [offers({ serves: { math }, calls: { math } }, { model, onDiffers: () => {} })],
};

class Player {
  readonly known = new Map<string, Known>();
  readonly values = new Map<string, unknown>();
  readonly dials: ((link: Link) => void)[] = [];
  peer!: Peer;
  raw: Raw | undefined;
  ran = 0;

  constructor(isSession: boolean, folder: string) {
    const handlers: { [name: string]: Handler } = {
      add: method(["a", "b"], (a: number, b: number) => a + b),
      echo: method(["value"], (value: unknown) => value),
      fail: method(["code", "message", "data"], (code: number, message: string, data: unknown) => {
        throw new RpcError(code, message, data);
      }),
      panics: method([], () => {
        throw new Error("of the inside");
      }),
      never: method([], () => new Promise(() => {})),
      size: method(["data"], (data: string | Uint8Array) => bytesOf(data).length),
      note: () => void this.ran++,
      build: method(["steps"], (steps: number, context: Context) => {
        for (let step = 1; step <= steps; step++) report(context, step);
        return "built";
      }),
      ticks: stream(["count"], function* (count: number) {
        for (let tick = 0; tick < count; tick++) yield tick;
      }),
      sum: method([streamParam("values")], async (values: AsyncIterable<number>) => {
        let sum = 0;
        for await (const value of values) sum += value;
        return sum;
      }),
    };
    if (folder === "offers") Object.assign(handlers, { "math.half": () => 0, "math.twice": () => 0 });
    const options: PeerOptions = {
      handlers,
      features: [batchAnswers, mutable, ...(FEATURES[folder] ?? [])],
      onError: () => {},
    };
    if (isSession) {
      const dial = (): Promise<Link> => new Promise((resolve) => this.dials.push(resolve));
      this.peer = new Client(dial, { ...options, minDelay: 1, maxDelay: 1 });
    } else {
      const [near, far] = pair();
      this.raw = new Raw(far);
      this.peer = overLink(near, { ...options, hello: "auto" });
    }
  }

  async play(step: string | Step): Promise<void> {
    if (typeof step !== "string") return this.act(step);
    if (step === "silent") return this.raw!.silent();
    const text = step.slice(4);
    if (step.startsWith("--> ")) return this.raw!.send(this.filled(text));
    const got = await this.raw!.text();
    const isPart = step.startsWith("<~~ ");
    assert.ok(isPart || step.startsWith("<-- "), step);
    this.compare(got, text, isPart);
  }

  filled(text: string): string {
    return text.replace(/"\?(\w+)"/g, (_, name: string) => JSON.stringify(this.values.get(name)));
  }

  compare(got: string, expected: string, isPart: boolean): void {
    const isSame = this.matches(exactJson.parse(got), exactJson.parse(expected), isPart);
    assert.ok(isSame, `\n got      ${got}\n expected ${expected}`);
  }

  /** A step with a binary message. */
  async binary({ binary: way, hex, text, bytes: list = [] }: Step): Promise<void> {
    const values = list.map(madeBytes);
    if (way === "-->") {
      return this.raw!.link.send(hex ? Buffer.from(hex, "hex") : binaryMessage(this.filled(text), ...values));
    }
    const message = Buffer.from(await this.raw!.binary());
    let at = 2 + 8 * list.length;
    assert.deepEqual([...message.subarray(0, 2)], [0xff, list.length]);
    const places = list.map((_: unknown, number: number) => message.readUInt32BE(2 + 8 * number));
    for (const [number, value] of values.entries()) {
      const length = message.readUInt32BE(6 + 8 * number);
      assert.deepEqual(new Uint8Array(message.subarray(at, (at += length))), value);
    }
    for (const place of places) assert.equal(message.toString("latin1", at + place - 1, at + place + 1), '""');
    assert.deepEqual(
      places,
      [...new Set<number>(places)].sort((a, b) => a - b),
    );
    this.compare(message.toString("utf8", at), text, false);
  }

  matches(got: any, expected: any, isPart: boolean): boolean {
    if (typeof expected === "string" && expected.startsWith("?")) {
      const name = expected.slice(1);
      if (!this.values.has(name)) this.values.set(name, got);
      return JSON.stringify(this.values.get(name)) === JSON.stringify(got);
    }
    if (typeof expected !== "object" || expected === null) return Object.is(got, expected);
    if (typeof got !== "object" || got === null || Array.isArray(got) !== Array.isArray(expected)) return false;
    const isWhole = !isPart || Array.isArray(expected);
    if (isWhole && Object.keys(got).length !== Object.keys(expected).length) return false;
    return Object.keys(expected).every((key) => key in got && this.matches(got[key], expected[key], isPart));
  }

  async act(step: Step): Promise<void> {
    const { peer } = this;
    if ("binary" in step) await this.binary(step);
    else if ("call" in step) {
      const aborts = new AbortController();
      const params = step["stream"] ? [sendStream(step["stream"])] : withBytes(step["params"]);
      const call = peer.call(step["method"], params, { signal: aborts.signal, idempotencyKey: step["key"] });
      const ended = call.then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      );
      this.known.set(step["call"], { aborts, ended, gaps: [] });
    } else if ("subscribe" in step) {
      const gaps: unknown[] = [];
      const items = subscribe(peer, step["method"], step["params"], { onGap: (missed) => gaps.push(missed) });
      this.known.set(step["subscribe"], { aborts: new AbortController(), items, gaps });
    } else if ("notify" in step) peer.notify(step["notify"], step["params"]);
    else if ("mute" in step) mute(peer, step["mute"]);
    else if ("unmute" in step) unmute(peer, step["unmute"]);
    else if ("cancel" in step) this.of(step["cancel"]).aborts.abort();
    else if ("result" in step) assert.deepEqual(await this.end(step["result"]), { result: withBytes(step["is"]) });
    else if ("failure" in step) {
      const { error } = (await this.end(step["failure"])) as { error: unknown };
      assert.ok(error instanceof CallError, String(error));
      assert.equal(error.fate, step["fate"]);
    } else if ("error" in step) {
      const { ended, items } = this.of(step["error"]);
      const { error } = (await (ended ??
        items!.next().then(
          () => ({ error: "none" }),
          (error: unknown) => ({ error }),
        ))) as {
        error: unknown;
      };
      assert.ok(error instanceof RpcError, String(error));
      assert.equal(error.code, step["code"]);
      // The message has it behind what the other end has said.
      const told = error.mismatch && error.message.slice(error.message.indexOf(": ") + 2);
      assert.equal(told, step["mismatch"]);
    } else if ("item" in step) assert.deepEqual(await this.next(step["item"]), { done: false, value: step["is"] });
    else if ("done" in step) assert.equal((await this.next(step["done"])).done, true);
    else if ("gap" in step) {
      // It is told on the way to the next item, which waits for its step.
      const known = this.of(step["gap"]);
      const next = known.items!.next();
      for (let turn = 0; turn < 50 && known.gaps.length === 0; turn++) await pause();
      assert.equal(known.gaps.length, 1);
      this.waiting.set(step["gap"], next);
    } else if ("ask" in step) {
      const ended = offered(peer, math, model).then((result) => ({ result }));
      this.known.set(step["ask"], { aborts: new AbortController(), ended, gaps: [] });
    } else if ("offer" in step) {
      const { is, changes = [] } = step;
      const hasChanges = is === "compatible" || is === "differs";
      const { result } = (await this.end(step["offer"])) as { result: unknown };
      assert.deepEqual(result, { is, ...(hasChanges && { changes }) });
    } else if ("drop" in step) void this.of(step["drop"]).items!.return();
    else if ("ran" in step) {
      await pause();
      assert.equal(this.ran, step["ran"]);
    } else if (step["link"] === "open") await this.open();
    else if (step["link"] === "lost") this.raw!.link.cut();
    else if ("close" in step) this.raw!.link.close(step["close"], "");
    else if ("closed" in step) {
      for (let turn = 0; turn < 50 && !this.raw!.closed; turn++) await pause();
      assert.equal(this.raw!.closed?.code, step["closed"]);
    } else assert.fail(`no such step: ${JSON.stringify(step)}`);
  }

  readonly waiting = new Map<string, Promise<IteratorResult<unknown>>>();

  next(name: string): Promise<IteratorResult<unknown>> {
    const next = this.waiting.get(name) ?? this.of(name).items!.next();
    this.waiting.delete(name);
    return within(next, name);
  }

  async open(): Promise<void> {
    for (let turn = 0; turn < 2_000 && this.dials.length === 0; turn++)
      await new Promise((next) => setTimeout(next, 1));
    const [near, far] = pair();
    this.raw = new Raw(far);
    this.dials.shift()!(near);
  }

  of(name: string): Known {
    return this.known.get(name) ?? assert.fail(`nothing is known as ${name}`);
  }

  end(name: string): Promise<unknown> {
    return within(this.of(name).ended!, name);
  }
}

/** Returns a value with bytes in the places of `{"$bytes": …}`. */
function withBytes(value: any): any {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value), (_, part) => (part?.$bytes ? madeBytes(part.$bytes) : part));
}

function madeBytes({ byte, count }: { byte: number; count: number }): Uint8Array {
  return new Uint8Array(count).fill(byte);
}

function within<T>(what: Promise<T>, name: string): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`${name} has not ended`)), 2_000).unref(),
  );
  return Promise.race([what, late]);
}

const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" });
for (const file of files.filter((name) => name.endsWith(".json"))) {
  const { vectors } = JSON.parse(readFileSync(`${FOLDER}/${file}`, "utf8")) as { vectors: Vector[] };
  for (const { name, end, session = false, steps } of vectors) {
    // This peer opens links and accepts none.
    if (end === "accepter") continue;
    test(`${file}: ${name}`, async () => {
      const player = new Player(session, dirname(file));
      for (const [at, step] of steps.entries()) {
        try {
          await player.play(step);
        } catch (error) {
          throw new Error(`step ${at + 1}: ${JSON.stringify(step)}: ${(error as Error).message}`, { cause: error });
        }
      }
      player.peer.close();
    });
  }
}
