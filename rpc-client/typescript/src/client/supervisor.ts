/** Gives a client one link after the other, and tells its session how far the two ends have got. */

import { isCount, notification, type Core, type Message, type PeerOptions } from "../core.js";
import type { Closed } from "../errors.js";
import { ConnectError, type Dial, type Link } from "../link.js";
import { Peer } from "../peer.js";
import { gathering } from "../sequences.js";
import { now, timer } from "../timer.js";
import type { WebSocketOptions } from "../websocket.js";
import { Delays, type Backoff } from "./backoff.js";
import { Queue } from "./queue.js";
import { Session } from "./session.js";
import type { State } from "./state.js";

export interface ClientOptions extends PeerOptions, WebSocketOptions, Backoff {
  /** Whether to ask the server for a session, which outlives its links. Default: true. */
  readonly session?: boolean;
  /**
   * Opens each fresh session, before all else is sent: the place to log in and to join. If it throws, the link is
   * closed, and the next attempt comes later.
   */
  readonly onSession?: (peer: Peer) => unknown;
  /** Told of each state, for a status line. */
  readonly onState?: (state: State) => void;
  /** Milliseconds without a link after which the client ends. Default: never. */
  readonly giveUpAfter?: number;
}

/** Offered where no header can say that a session is to be resumed. */
const RESUME = ["jsonrpc2", "jsonrpc2.resume"];

/** How long an attempt may take, and the answer to a hello that resumes. */
const HANDSHAKE = 10_000;
/** An acknowledgement is sent so long after the first message that is not acknowledged. */
const ACK_AFTER = 5_000;
/** What this end sent must be acknowledged within this time. */
const ACK_WITHIN = 60_000;
/** By then a server has found that a link is dead. */
const DEAD_AFTER = 45_000;
/** An attempt that is younger goes on when one is wanted now. */
const YOUNG = 1_000;
/** After so many attempts without a hello, or resumes without progress, the session is given up. */
const TRIES = 3;
/** A server may ask for another link so often. */
const MOVE_EVERY = 10_000;

/** Closes that blame a message. */
const BLAMES = [1002, 1003, 1007, 1008, 1009];
/** Closes after which a client does not come back. */
const FINAL = [4401, 4403, 4409];

/** The timers of a client. */
type Timer = "attempt" | "hello" | "ack" | "acked" | "kept" | "end";

/** An attempt to get a link. */
interface Dialling {
  readonly aborts: AbortController;
  readonly since: number;
}

/** @internal */
export class Supervisor extends Queue {
  readonly #dial: Dial;
  readonly #options: ClientOptions;
  readonly #delays: Delays;
  readonly #timers = new Map<Timer, () => void>();
  #ups: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  _state: State = { is: "connecting", attempt: 1, next: undefined, error: undefined };
  /** A link on which the answer to a hello that resumes is awaited. */
  #candidate: Link | undefined;
  #dialling: Dialling | undefined;
  /** When the next attempt begins. */
  #next: number | undefined;
  #attempt = 0;
  /** Whether the next attempt may resume the session. */
  #withToken = true;
  /** Attempts to resume in a row that brought no hello. */
  #unheard = 0;
  #isUnauthorized = false;
  #isPaused = false;
  /** Since when there is no link. */
  #away = now();
  #wasUp = false;
  #isFresh = false;
  #movedAt = -Infinity;
  /** The message that is being read. */
  #reading = "";
  /** It is of the link, and does not count. */
  #isOfLink = false;

  constructor(core: Core, dial: Dial, options: ClientOptions) {
    super(core);
    this.#dial = dial;
    this.#options = options;
    this.#delays = new Delays(options);
    core._outbox = this;
    core._extensions.set("$/hello", (params) => this.#ofLink() && this.#greeted(params));
    core._extensions.set("$/ack", ({ n }) => this.#ofLink() && this.#acknowledged(n));
    core._extensions.set("$/goaway", (params) => this.#goesAway(params));
    void core._closed.then((closed) => this.#ended(closed));
    this.#leaveLink();
    this.#begin();
  }

  /** Sets a timer, which takes the place of the one before. */
  #set(name: Timer, ms: number, ring: () => void): void {
    this.#stop(name);
    this.#timers.set(name, timer(ms, ring));
  }

  #stop(...names: Timer[]): void {
    for (const name of names) this.#timers.get(name)?.();
  }

  // Attempts.

  /** Begins an attempt. One that is under way is given up before. */
  #begin(): void {
    const { _session: session } = this;
    const dialling = { aborts: new AbortController(), since: now() };
    this.#dialling?.aborts.abort();
    this.#dialling = dialling;
    this.#next = undefined;
    this.#isPaused = false;
    this.#attempt++;
    this.#delays.begin();
    if (session && session._stuck >= TRIES) this.#withToken = false;
    const resumes = this.#withToken && session?._token !== undefined;
    const end = (then: () => void): void => {
      if (this.#dialling !== dialling) return;
      this.#dialling = undefined;
      this.#stop("attempt");
      then();
    };
    const failed = (error: unknown): void => end(() => this.#failed(error, resumes));
    const { signal } = dialling.aborts;
    this.#set("attempt", HANDSHAKE, () => {
      failed(new ConnectError("no answer in time"));
      dialling.aborts.abort();
    });
    const dialled = new Promise<Link>((resolve) => resolve(this.#dial({ protocols: resumes ? RESUME : [], signal })));
    dialled.then(
      (link) => (this.#dialling === dialling ? end(() => this.#attach(link, resumes)) : link.close(4410, "")),
      failed,
    );
    this.#tell();
  }

  #failed(error: unknown, resumes: boolean): void {
    const { status, cause } = (error ?? {}) as Partial<ConnectError>;
    if (status === 403 || (status === 401 && this.#isUnauthorized)) {
      return this._core._ended({ by: "peer", code: undefined, reason: `HTTP status ${status}` });
    }
    this.#isUnauthorized = status === 401;
    // Without an answer it is not the token that keeps the client out. A browser does not say.
    if (!status && cause) this.#unheard = 0;
    else if (resumes && status !== 429 && status !== 503) this.#isUnheard();
    // The attempt may have been one beside a link that works.
    if (!this._link) this.#again(this.#delays.afterFailure(), error);
  }

  #isUnheard(): void {
    if (++this.#unheard >= TRIES) this.#withToken = false;
  }

  /** Plans the next attempt. */
  #again(delay: number, error: unknown): void {
    if (!this.#dialling && !this.#isPaused && !this._core._end) {
      this.#next = now() + delay;
      this.#set("attempt", delay, () => this.#begin());
    }
    this.#tell(error);
  }

  // Links.

  #attach(carrier: Link, resumes: boolean): void {
    const { _core: core, _session: session } = this;
    const { hello = "always" } = core._options;
    const buffer = core._limits.queue;
    const link = gathering(carrier, core);
    // Alone, and before all else.
    const greet = (session: object | undefined): void => {
      core._isGreeted = true;
      carrier.send(core._hello(session));
    };
    // From here on nothing is read from the link before.
    const old = this._link ?? this.#candidate;
    this._link = this.#candidate = undefined;
    core._isGreeted = false;
    if (resumes && session?._token !== undefined) {
      this.#candidate = link;
      this.#set("hello", HANDSHAKE, () => this._drop("no hello in time"));
      const { _token: token, _taken: received } = session;
      greet({ token, attempt: ++session._attempt, received, buffer });
    } else {
      if (session) this.#endSession({ by: "link", code: undefined, reason: "the session is not resumed" });
      const asks = hello === "always" && this.#options.session !== false;
      core._greeting = undefined;
      this._session = asks ? new Session() : undefined;
      if (hello === "always") greet(asks ? { buffer } : undefined);
      this.#carry(link);
      this.#open();
    }
    link.listen({
      message: (text) => {
        if (link === this._link) this.#receive(text);
        else if (link === this.#candidate) this.#receiveFirst(text);
      },
      closed: (code, reason) => this.#lost(link, { by: code ? "peer" : "link", code, reason }),
    });
    old?.close(4410, "another link has taken over");
  }

  /** The link carries the messages from now on. */
  #carry(link: Link, spreadMs?: unknown): void {
    this._link = link;
    this.#candidate = undefined;
    this.#unheard = 0;
    this.#withToken = true;
    this.#isUnauthorized = this._isBlamed = false;
    this.#delays.up(now(), spreadMs);
    this.#stop("hello", "kept", "end");
    this.#awaitAck();
  }

  /** The link is over, or carries nothing any more. */
  #lost(link: Link, closed: Closed): void {
    const { code, by } = closed;
    if (link === this.#candidate) {
      this.#candidate = undefined;
      if (code !== 1013) this.#isUnheard();
    } else if (link === this._link) this.#leaveLink();
    else return;
    if (by === "peer") {
      if (FINAL.includes(code!)) return this._core._ended(closed);
      this._isBlamed = BLAMES.includes(code!);
      if (code === 1000) this.#withToken = false;
    }
    this.#stop("hello", "ack", "acked");
    if (!this._session?._token) this.#endSession(closed);
    this.#again(this.#delays.afterLoss(now()), closed);
  }

  /** There is no link from now on. */
  #leaveLink(): void {
    const { _session: session } = this;
    this._link = undefined;
    this.#away = now();
    this.#attempt = 0;
    this.#set("end", this.#options.giveUpAfter ?? Infinity, () =>
      this._core._ended({ by: "us", code: undefined, reason: "no link in time" }),
    );
    if (!session?._token) return;
    this.#set("kept", session._keepMs + DEAD_AFTER, () =>
      this.#endSession({ by: "link", code: undefined, reason: "the session was away for too long" }),
    );
  }

  _drop(reason: string): void {
    const link = this._link ?? this.#candidate;
    link?.close(4410, reason);
    if (link) this.#lost(link, { by: "link", code: 4410, reason });
  }

  /** Ends the link and the session; the client goes on. */
  #leave(code: number, reason: string): void {
    const link = this._link ?? this.#candidate;
    link?.close(code, reason);
    this._link = this.#candidate = undefined;
    this.#endSession({ by: "us", code, reason });
    this.#stop("hello", "ack", "acked", "kept");
    if (link) this.#leaveLink();
  }

  /** The other end has broken the rules of sessions. */
  #fault(code: number, reason: string): void {
    this.#leave(code, reason);
    this.#again(this.#delays.afterLoss(now()), reason);
  }

  _close(code: number, reason: string): void {
    (this._link ?? this.#candidate)?.close(code, reason);
  }

  // Messages that come.

  #receive(text: string): void {
    const { _core: core, _session: session } = this;
    const wasCounting = session?._isCounting;
    this.#reading = text;
    this.#isOfLink = false;
    core._receive(text);
    if (session && session === this._session && !this.#isOfLink) {
      if (!wasCounting) {
        // An answer without a hello before it is that of a plain peer: there is no session.
        if (isAnswer(text)) this._session = undefined;
      } else {
        const isFirst = !session._owesAck;
        if (session._take(text)) this.#acknowledge();
        else if (isFirst) this.#set("ack", ACK_AFTER, () => this.#acknowledge());
      }
    }
    this._pump();
  }

  /** Reads what comes on a link that is to resume the session: nothing counts but the hello. */
  #receiveFirst(text: string): void {
    const { method, params } = parsed(text);
    if (method === "$/hello") this.#answered((params ?? {}) as Message);
  }

  /** Whether a message is of the link: in a batch it is like any other. */
  #ofLink(): boolean {
    return (this.#isOfLink = !/^\s*\[/.test(this.#reading));
  }

  /** The server's hello on a link that began a session. */
  #greeted({ session: said }: Message): void {
    const { _session: session } = this;
    if (!session || session._isCounting) return;
    this.#grant(said);
  }

  /** Takes what the server grants of a session. */
  #grant(said: unknown): void {
    const granted = (said ?? {}) as Message;
    this.#delays.up(now(), granted["spreadMs"]);
    if (this._session!._grant(granted)) this.#acknowledge();
    else this._session = undefined;
    this.#awaitAck();
  }

  /** The server has answered a hello that resumes. */
  #answered(params: Message): void {
    const link = this.#candidate!;
    const session = this._session!;
    const said = (params["session"] ?? {}) as Message;
    const { resumed, received, refused, code, reason } = said;
    if (resumed === true) {
      if (!session._resume(said)) return this.#fault(1002, "the counts or the token of the session are false");
      if (this._core._greeting) this._core._greeting.sequences = params["sequences"];
      this.#carry(link, said["spreadMs"]);
      this.#acknowledge();
      this._replay();
      return this.#isUp();
    }
    const isTold = isCount(code, 4999);
    const why = isTold ? reason : `the server does not resume the session: ${String(refused)}`;
    this.#endSession(
      { by: isTold ? "peer" : "link", code: isTold ? code : undefined, reason: String(why) },
      Number.isInteger(received) ? (received as number) : undefined,
    );
    // The hello that asked to resume has begun another session on this link.
    this._core._heard(params);
    this._session = new Session();
    this.#carry(link);
    this.#grant(said);
    this.#open();
  }

  #acknowledged(n: unknown): void {
    const { _session: session } = this;
    if (!session?._isCounting) return;
    if (session._acknowledge(n)) this.#awaitAck();
    else this.#fault(1002, "an acknowledgement is false");
  }

  /** Memory must not hang on the other's good will. */
  #awaitAck(): void {
    this.#set("acked", this._session?._isCounting ? ACK_WITHIN : Infinity, () => {
      if (this._session!._hasUnacknowledged()) this.#fault(4008, "acknowledges nothing");
      else this.#awaitAck();
    });
  }

  #acknowledge(): void {
    this.#stop("ack");
    const n = this._session!._acknowledging();
    this._link!.send(notification("$/ack", `{"n":${n}}`));
  }

  #goesAway({ reconnectAfterMs, move }: Message): void {
    const [min, max] = (Array.isArray(reconnectAfterMs) ? reconnectAfterMs : []) as unknown[];
    this.#delays.window = typeof min === "number" && typeof max === "number" ? [min, max] : [0, 5_000];
    if (move !== true || now() - this.#movedAt < MOVE_EVERY) return;
    this.#movedAt = now();
    this._reconnectNow();
  }

  // Sessions.

  /** Lets the program open the session, and everything else go behind that. */
  #open(): void {
    const { onSession } = this.#options;
    this._isGated = onSession !== undefined;
    if (!onSession) return this.#isUp();
    const attempt = {};
    this.#opening = attempt;
    const end = (then: () => void): void => {
      if (this.#opening !== attempt || !this._isGated) return;
      then();
    };
    new Promise((resolve) => resolve(onSession(new Peer(this._core, true)))).then(
      () =>
        end(() => {
          this._isGated = false;
          this.#isUp();
        }),
      (error: unknown) =>
        end(() => {
          this.#leave(1000, "the session could not be opened");
          this.#again(this.#delays.afterFailure(), error);
        }),
    );
  }

  /** The hook that opens the present session. */
  #opening: object | undefined;

  #endSession(closed: Closed, received?: number): void {
    this.#isFresh ||= this.#wasUp;
    this._endSession(closed, received);
  }

  // What the program asks for.

  _reconnectNow(): void {
    const dialling = this.#dialling;
    const may = dialling ? now() - dialling.since >= YOUNG : this._link ? this._session?._token : !this.#candidate;
    if (may && !this._core._end) this.#begin();
  }

  _newSession(): Promise<void> {
    this.#leave(1000, "the program begins another session");
    this.#begin();
    return this._up();
  }

  _pause(): void {
    this.#isPaused = true;
    this.#dialling?.aborts.abort();
    this.#dialling = this.#next = undefined;
    this.#stop("attempt");
    this._drop("paused");
  }

  // States.

  _up(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ups.push({ resolve, reject });
      if (this._core._end) this.#ended(this._core._end);
      else if (this._isUp() && !this._isGated) this.#ups.pop()!.resolve();
    });
  }

  #isUp(): void {
    if (!this._link || this._isGated) return;
    this.#show(this.#isFresh ? { is: "fresh", ...this._losses } : { is: "up", resumed: this.#wasUp });
    this._losses = { calls: 0, notifications: 0 };
    this.#wasUp = true;
    this.#isFresh = false;
    for (const { resolve } of this.#ups.splice(0)) resolve();
    this._pump();
  }

  /** Tells the state of a client without a link. */
  #tell(error: unknown = "error" in this._state ? this._state.error : undefined): void {
    if (this._core._end || (this._link && !this._isGated)) return;
    const attempt = { attempt: this.#dialling ? this.#attempt : this.#attempt + 1, next: this.#next, error };
    this.#show(this.#wasUp ? { is: "away", since: this.#away, ...attempt } : { is: "connecting", ...attempt });
  }

  #show(state: State): void {
    this._state = state;
    try {
      this.#options.onState?.(state);
    } catch (error) {
      (this.#options.onError ?? console.error)(error, "onState");
    }
  }

  #ended(closed: Closed): void {
    this.#stop(...this.#timers.keys());
    this.#dialling?.aborts.abort();
    this.#dialling = undefined;
    this._close(closed.code ?? 1000, closed.reason);
    this.#candidate = undefined;
    this._closeQueue(closed);
    if (this._state.is !== "ended") this.#show({ is: "ended", closed });
    for (const { reject } of this.#ups.splice(0)) reject(new ConnectError(closed.reason, undefined, closed));
  }
}

function isAnswer(text: string): boolean {
  const message = parsed(text);
  return message["method"] == null && ("result" in message || "error" in message);
}

/** Returns the members of a message; none if it is no object. */
function parsed(text: string): Message {
  try {
    return Object(JSON.parse(text)) as Message;
  } catch {
    return {};
  }
}
