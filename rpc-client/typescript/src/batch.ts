/** Calls and notifications that leave in one message. */

import { Call, type CallOptions, type Params } from "./call.js";
import { readError, type Core, type Outgoing } from "./core.js";
import type { RpcError } from "./errors.js";
import type { Peer } from "./peer.js";
import { slot } from "./slot.js";

/** The most members of a batch, unless the other end takes fewer. */
const MOST = 100;

/**
 * A batch. What is called resolves after {@link Batch.send}, each call by itself.
 *
 * ```ts
 * const batch = new Batch(peer);
 * const sums = [1, 2, 3].map((n) => batch.call<number>("add", [n, n]));
 * batch.send();
 * console.log(await Promise.all(sums));
 * ```
 */
export class Batch {
  readonly #peer: Peer;
  #members: Member[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  call<Result = unknown>(method: string, params?: Params, options: CallOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined, result?: unknown): void =>
        error ? reject(error) : resolve(result as Result);
      const call = new Call(this.#peer.core, method, params, options, settle);
      call.isPutBack = this.#peer.isFirst;
      this.#members.push(call);
    });
  }

  notify(method: string, params?: Params): void {
    const text = `{"jsonrpc":"2.0",${this.#peer.core.encode(method, params)}}`;
    this.#members.push({ size: text.length, leave: () => text });
  }

  /** Sends all of it, in as many messages as the limits ask for. */
  send(): void {
    send(this.#peer.core, this.#members, this.#peer.isFirst, false);
    this.#members = [];
  }
}

type Member = Call | Outgoing;

/** One message. @internal */
export class BatchMessage implements Outgoing {
  isPutBack: boolean;
  readonly size: number;
  readonly members: readonly Member[];
  /** Whether it was split anew after a refusal. */
  readonly isSplit: boolean;
  readonly #unanswered: BatchMessage[];

  constructor(unanswered: BatchMessage[], members: readonly Member[], isFirst: boolean, isSplit: boolean) {
    this.#unanswered = unanswered;
    this.members = members;
    this.isPutBack = isFirst;
    this.isSplit = isSplit;
    this.size = members.reduce((sum, { size }) => sum + size, 0);
  }

  get #left(): Member[] {
    return this.members.filter((member) => !(member instanceof Call && member.isDone));
  }

  /** Whether anything in it is answered. */
  get hasCalls(): boolean {
    return this.members.some((member) => member instanceof Call);
  }

  get calls(): Call[] {
    return this.#left.filter((member) => member instanceof Call);
  }

  leave(): string | undefined {
    const texts = this.#left.map((member) => member.leave()).filter((text) => text !== undefined);
    if (texts.length === 0) return undefined;
    if (this.calls.length > 0) this.#unanswered.push(this);
    return `[${texts.join(",")}]`;
  }
}

function send(core: Core, members: readonly Member[], isFirst: boolean, isSplit: boolean, max = MOST): void {
  const unanswered = slot(core, watch);
  const most = Math.min(max, core.greeting?.batch ?? MOST);
  let part: Member[] = [];
  let size = 0;
  const flush = (): void => {
    if (part.length === 0) return;
    const message = new BatchMessage(unanswered, part, isFirst, isSplit);
    const error = core.send(message, isFirst);
    if (error) for (const call of message.calls) call.settle(error);
    part = [];
    size = 0;
  };
  for (const member of members) {
    // Members that come behind the request of a call: its id, its deadline, its keys.
    const length = member.size + 256 + (member instanceof Call ? (member.options.idempotencyKey?.length ?? 0) * 6 : 0);
    if (part.length === most || size + length > core.limits.messageOut) flush();
    part.push(member);
    size += length;
  }
  flush();
}

/** Resolves batches that are refused as a whole, by an error that names no id. */
function watch(core: Core): BatchMessage[] {
  const unanswered: BatchMessage[] = [];
  core.takeError = (error) => {
    while (unanswered[0]?.calls.length === 0) unanswered.shift();
    const [oldest] = unanswered;
    if (!oldest) return;
    const refused = readRefusal(error);
    // Any other error may be meant for something else, if there is something else.
    if (!refused && core.calls.size > oldest.calls.length) return;
    unanswered.shift();
    if (!refused || oldest.isSplit) return oldest.calls.forEach((call) => call.settle(error));
    const { members } = oldest;
    for (const call of oldest.calls) {
      core.calls.delete(call.id!);
      call.id = undefined;
    }
    send(core, members, false, true, Math.min(refused, Math.ceil(members.length / 2)));
  };
  return unanswered;
}

/** Returns how many members the other end takes, if the error says that a batch had more. */
function readRefusal(error: RpcError | ReturnType<typeof readError>): number | undefined {
  const { kind, max } = ((error as RpcError).data ?? {}) as { kind?: unknown; max?: unknown };
  if (kind !== "batch_too_big") return undefined;
  return typeof max === "number" && max >= 1 ? Math.floor(max) : 1;
}
