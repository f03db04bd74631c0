/** Calls and notifications that leave in one message. */

import { Call, callsIn, takeBack, type CallOptions, type Params } from "./call.js";
import { messageOf, readError, type Core, type Outgoing } from "./core.js";
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
  #members: Outgoing[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  call<Result = unknown>(method: string, params?: Params, options: CallOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#members.push(new Call(this.#peer, method, params, options, resolve as (result: unknown) => void, reject));
    });
  }

  notify(method: string, params?: Params): void {
    this.#members.push(messageOf(`{"jsonrpc":"2.0",${this.#peer._core._encode(method, params)}}`));
  }

  /** Sends all of it, in as many messages as the limits ask for. */
  send(): void {
    send(this.#peer._core, this.#members, this.#peer._isFirst, false);
    this.#members = [];
  }
}

/** One message. */
interface BatchMessage extends Outgoing {
  readonly _members: readonly Outgoing[];
  /** Whether it was split anew after a refusal. */
  readonly _isSplit: boolean;
}

function send(core: Core, members: readonly Outgoing[], isFirst: boolean, isSplit: boolean, max = MOST): void {
  const sent = slot(core, watch);
  const most = Math.min(max, core._greeting?.batch ?? MOST);
  let part: Outgoing[] = [];
  let size = 0;
  const flush = (): void => {
    if (part.length === 0) return;
    const message: BatchMessage = {
      length: size,
      _members: part,
      _isPutBack: isFirst,
      _isSplit: isSplit,
      _leave() {
        const texts = message._members.map((member) => member._leave()).filter((text) => text !== undefined);
        if (texts.length === 0) return undefined;
        if (callsIn(message)) unanswered(sent).push(message);
        return `[${texts.join(",")}]`;
      },
    };
    const error = core._send(message);
    if (error) callsIn(message)?.forEach((call) => call._settle(error));
    part = [];
    size = 0;
  };
  for (const member of members) {
    // Members that come behind the request of a call: its id, its deadline, its keys.
    const length = member.length + 256 + (callsIn(member)?.[0]?._options.idempotencyKey?.length ?? 0) * 6;
    if (part.length === most || size + length > core._limits.messageOut) flush();
    part.push(member);
    size += length;
  }
  flush();
}

/** Drops the oldest batches that were answered. */
function unanswered(batches: BatchMessage[]): BatchMessage[] {
  while (batches[0] && callsIn(batches[0])!.length === 0) batches.shift();
  return batches;
}

/** Resolves batches that are refused as a whole, by an error that names no id. */
function watch(core: Core): BatchMessage[] {
  const sent: BatchMessage[] = [];
  core._takeError = (error) => {
    const [oldest] = unanswered(sent);
    if (!oldest) return;
    const calls = callsIn(oldest)!;
    const refused = readRefusal(error);
    // Any other error may be meant for something else, if there is something else.
    if (!refused && Object.keys(core._calls).length > calls.length) return;
    sent.shift();
    if (!refused || oldest._isSplit) return calls.forEach((call) => call._settle(error));
    const members = oldest._members;
    calls.forEach(takeBack);
    send(core, members, false, true, Math.min(refused, Math.ceil(members.length / 2)));
  };
  return sent;
}

/** Returns how many members the other end takes, if the error says that a batch had more. */
function readRefusal(error: RpcError | ReturnType<typeof readError>): number | undefined {
  const { kind, max } = ((error as RpcError).data ?? {}) as { kind?: unknown; max?: unknown };
  if (kind !== "batch_too_big") return undefined;
  return typeof max === "number" && max >= 1 ? Math.floor(max) : 1;
}
