/** Calls and notifications that leave in one message. */

import { Call, type CallOptions, type Params } from "./call.js";
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
class BatchMessage implements Outgoing {
  _isPutBack: boolean;
  readonly length: number;
  readonly _members: readonly Outgoing[];
  /** Whether it was split anew after a refusal. */
  readonly _isSplit: boolean;
  readonly _open?: () => Call[];
  readonly #sent: BatchMessage[];

  constructor(sent: BatchMessage[], members: readonly Outgoing[], isFirst: boolean, isSplit: boolean) {
    this.#sent = sent;
    this._members = members;
    this._isPutBack = isFirst;
    this._isSplit = isSplit;
    this.length = members.reduce((sum, { length }) => sum + length, 0);
    if (members.some((member) => member._open)) this._open = () => members.flatMap((member) => member._open?.() ?? []);
  }

  _leave(): string | undefined {
    const left = this._members.filter((member) => !member._open || member._open().length > 0);
    if (left.length === 0) return undefined;
    if (this._open) unanswered(this.#sent).push(this);
    return `[${left.map((member) => member._leave()).join(",")}]`;
  }
}

function send(core: Core, members: readonly Outgoing[], isFirst: boolean, isSplit: boolean, max = MOST): void {
  const sent = slot(core, watch);
  const most = Math.min(max, core._greeting?.batch ?? MOST);
  let part: Outgoing[] = [];
  let size = 0;
  const flush = (): void => {
    if (part.length === 0) return;
    const message = new BatchMessage(sent, part, isFirst, isSplit);
    const error = core._send(message);
    if (error) message._open?.().forEach((call) => call._settle(error));
    part = [];
    size = 0;
  };
  for (const member of members) {
    // Members that come behind the request of a call: its id, its deadline, its keys.
    const length = member.length + 256 + (member._open?.()[0]?._options.idempotencyKey?.length ?? 0) * 6;
    if (part.length === most || size + length > core._limits.messageOut) flush();
    part.push(member);
    size += length;
  }
  flush();
}

/** Drops the oldest batches that were answered. */
function unanswered(batches: BatchMessage[]): BatchMessage[] {
  while (batches[0]?._open!().length === 0) batches.shift();
  return batches;
}

/** Resolves batches that are refused as a whole, by an error that names no id. */
function watch(core: Core): BatchMessage[] {
  const sent: BatchMessage[] = [];
  core._takeError = (error) => {
    const [oldest] = unanswered(sent);
    if (!oldest) return;
    const calls = oldest._open!();
    const refused = readRefusal(error);
    // Any other error may be meant for something else, if there is something else.
    if (!refused && Object.keys(core._calls).length > calls.length) return;
    sent.shift();
    if (!refused || oldest._isSplit) return calls.forEach((call) => call._settle(error));
    const members = oldest._members;
    for (const call of calls) call._takeBack();
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
