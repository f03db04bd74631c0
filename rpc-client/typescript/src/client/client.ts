/** A client that outlives its links: it connects again, and goes on with its session where the server keeps one. */

import { Alarm, now } from "../alarm.js";
import { Call } from "../call.js";
import { Core, expire, isCount, type Message, type Outbox, type Outgoing, type PeerOptions } from "../core.js";
import type { Closed } from "../errors.js";
import { ConnectError, type Dial, type Link } from "../link.js";
import { Peer } from "../peer.js";
import { webSocket, type Provided, type WebSocketOptions } from "../websocket.js";
import { Delays, type Backoff } from "./backoff.js";
import { Session } from "./session.js";
import type { Losses, State } from "./state.js";

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
/** How many messages of the program may wait. */
const WAITING = 4_096;
/** Above this a link has no room, so that what waits can still be taken back. */
const BACKLOG = 256 * 1024;
/** What is kept for a server of which nothing is known yet. */
const UNKNOWN = 64 * 1024;
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

/** Connects to a URL, and stays connected. Calls made meanwhile wait. */
export function keepConnected(url: Provided<string | URL>, options: ClientOptions = {}): Client {
  return new Client(webSocket(url, options), options);
}

/** A peer that outlives its links. */
export class Client extends Peer {
  readonly #options: ClientOptions;
  readonly #supervisor: Supervisor;

  /** Connects by links of any kind. */
  constructor(dial: Dial, options: ClientOptions = {}) {
    const core = new Core(options);
    super(core);
    core.peer = this;
    this.#options = options;
    this.#supervisor = new Supervisor(core, dial, this.#options);
  }

  get state(): State {
    return this.#supervisor.state;
  }

  /** Resolves when the client is up; rejects if it ends before. */
  up(): Promise<void> {
    return this.#supervisor.up();
  }

  /** Makes the next attempt now. A client that is up makes another link, over which its session goes on. */
  reconnectNow(): void {
    this.#supervisor.reconnectNow();
  }

  /** Ends the session and begins another one over another link: for another user. Resolves when it has begun. */
  newSession(): Promise<void> {
    return this.#supervisor.newSession();
  }

  /** Gives up the link without ending the session, and connects again only when {@link Client.reconnectNow} says so. */
  pause(): void {
    this.#supervisor.pause();
  }
}

/** An attempt to get a link. */
interface Dialling {
  readonly aborts: AbortController;
  readonly since: number;
}

class Supervisor implements Outbox {
  readonly #core: Core;
  readonly #dial: Dial;
  readonly #options: ClientOptions;
  readonly #delays: Delays;
  readonly #alarm = new Alarm(() => this.#ring());
  readonly #rooms: (() => void)[] = [];
  readonly #ups: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  state: State = { is: "connecting", attempt: 1, next: undefined, error: undefined };
  /** The link that carries the session. */
  #link: Link | undefined;
  /** A link on which the answer to a hello that resumes is awaited. */
  #candidate: Link | undefined;
  #candidateDue = Infinity;
  #dialling: Dialling | undefined;
  #nextAttempt = Infinity;
  #attempt = 0;
  #session: Session | undefined;
  /** Whether the next attempt may resume the session. */
  #withToken = true;
  /** Attempts to resume in a row that brought no hello. */
  #unheard = 0;
  #isUnauthorized = false;
  /** Since when there is no link. */
  #away = now();
  #wasUp = false;
  #hasLostSession = false;
  #losses = { calls: 0, notifications: 0 };
  /** What of the program waits to leave, in its order. */
  #waiting: Outgoing[] = [];
  #waitingSize = 0;
  /** What of the protocol waits for a link. */
  #owed: string[] = [];
  /** Whether only those who open the session may send. */
  #isGated = false;
  /** The close of the last link blames a message. */
  #isBlamed = false;
  #isPaused = false;
  #ackDue = Infinity;
  #ackedAt = 0;
  #hasPinged = false;
  #movedAt = -Infinity;
  /** The message that is being read is of the link, and does not count. */
  #isOfLink = false;
  #poll: ReturnType<typeof setTimeout> | undefined;

  constructor(core: Core, dial: Dial, options: ClientOptions) {
    this.#core = core;
    this.#dial = dial;
    this.#options = options;
    this.#delays = new Delays(options);
    core.outbox = this;
    core.extensions.set("$/hello", (params, text) => this.#onHello(params, text));
    core.extensions.set("$/ack", (params, text) => this.#onAck(params, text));
    core.extensions.set("$/goaway", (params) => this.#onGoAway(params));
    core.deadlines.push((time) => {
      const calls = this.#waiting.flatMap(callsOf);
      return Math.min(...calls.map((call) => expire(call, time)));
    });
    void core.closed.then((closed) => this.#ended(closed));
    this.#begin();
  }

  // Messages that leave.

  isOpen(): boolean {
    return !this.#isGated && this.#hasRoom();
  }

  isUp(): boolean {
    return this.#link !== undefined;
  }

  #hasRoom(): boolean {
    const { queue } = this.#core.limits;
    return !!this.#link && this.#link.backlog() < BACKLOG && (this.#session?.keptSize ?? 0) < queue;
  }

  send(message: Outgoing, isOwed = false, isFirst = false): boolean {
    const passesGate = isFirst || (isOwed && this.#isGated);
    if (passesGate ? this.#hasRoom() : this.#waiting.length === 0 && this.isOpen()) {
      this.#leave(message);
      return true;
    }
    const isFull = this.#waiting.length >= WAITING || this.#waitingSize > this.#core.limits.queue;
    if (isFirst || (isFull && !isOwed)) return false;
    this.#waiting.push(message);
    this.#waitingSize += message.size;
    this.#pollRoom();
    return true;
  }

  post(text: string): void {
    if (this.#link) this.#transmit(text);
    else if (this.#session) this.#owed.push(text);
  }

  withdraw(message: Outgoing): void {
    const at = this.#waiting.indexOf(message);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#waitingSize -= message.size;
  }

  room(): Promise<void> {
    if (this.isOpen() || this.#core.end) return Promise.resolve();
    this.#pollRoom();
    return new Promise((resolve) => this.#rooms.push(resolve));
  }

  #leave(message: Outgoing): void {
    const text = message.leave();
    if (text !== undefined) this.#transmit(text, message);
  }

  /** A message leaves for the link, and gets its number. */
  #transmit(text: string, message?: Outgoing): void {
    const session = this.#session;
    if (session?.kept.length === 0) this.#setAckedAt();
    session?.keep(text, message);
    this.#link!.send(text);
    if (session && !session.isCounting && session.keptSize > UNKNOWN && !this.#hasPinged) {
      // Its answer shows whether the server knows of sessions.
      this.#hasPinged = true;
      this.#core.start(new Call(this.#core, "$/ping", undefined, {}, () => {}), true);
    }
  }

  /** Sends what waits, as far as there is room. */
  #pump(): void {
    while (this.#waiting.length > 0 && this.isOpen()) {
      const message = this.#waiting.shift()!;
      this.#waitingSize -= message.size;
      this.#leave(message);
    }
    if (this.isOpen()) for (const resolve of this.#rooms.splice(0)) resolve();
    this.#pollRoom();
  }

  /** No event tells that the backlog of a link has left. */
  #pollRoom(): void {
    if (this.#poll !== undefined || !this.#link || this.#isGated) return;
    if (this.#waiting.length === 0 && this.#rooms.length === 0) return;
    this.#poll = setTimeout(() => {
      this.#poll = undefined;
      this.#pump();
    }, 5);
  }

  // Links.

  /** Begins an attempt. One that is under way is given up before. */
  #begin(): void {
    this.#dialling?.aborts.abort();
    this.#nextAttempt = Infinity;
    this.#isPaused = false;
    this.#attempt++;
    this.#delays.begin();
    const session = this.#session;
    if (session && (session.stuck >= TRIES || session.isWornOut)) this.#withToken = false;
    const resumes = this.#withToken && session?.token !== undefined;
    const dialling = { aborts: new AbortController(), since: now() };
    this.#dialling = dialling;
    this.#alarm.set(dialling.since + HANDSHAKE);
    const failed = (error: unknown): void => {
      if (this.#dialling === dialling) this.#failed(error, resumes);
    };
    const { signal } = dialling.aborts;
    this.#dial({ protocols: resumes ? RESUME : [], signal }).then((link) => {
      if (this.#dialling !== dialling) return link.close(4410, "not wanted");
      this.#dialling = undefined;
      this.#attach(link, resumes);
    }, failed);
    this.#tell();
  }

  #failed(error: unknown, resumes: boolean): void {
    this.#dialling = undefined;
    const status = error instanceof ConnectError ? error.status : undefined;
    if (status === 403 || (status === 401 && this.#isUnauthorized)) {
      return this.#core.ended({ by: "peer", code: undefined, reason: `HTTP status ${status}` });
    }
    this.#isUnauthorized = status === 401;
    if (resumes && status !== 429 && status !== 503) this.#isUnheard();
    // The attempt may have been one beside a link that works.
    if (!this.#link) this.#again(this.#delays.afterFailure(), error);
  }

  #isUnheard(): void {
    if (++this.#unheard >= TRIES) this.#withToken = false;
  }

  /** Plans the next attempt. */
  #again(delay: number, error: unknown): void {
    if (this.#core.end) return;
    this.#nextAttempt = this.#isPaused ? Infinity : now() + delay;
    this.#alarm.set(this.#nextAttempt);
    this.#tell(error);
  }

  #attach(link: Link, resumes: boolean): void {
    const session = this.#session;
    // From here on nothing is read from the link before.
    const old = this.#link ?? this.#candidate;
    this.#link = undefined;
    if (resumes && session?.token !== undefined) {
      this.#candidate = link;
      this.#candidateDue = now() + HANDSHAKE;
      this.#alarm.set(this.#candidateDue);
      const { token, taken: received } = session;
      this.#listen(link);
      this.#hello(link, { token, attempt: ++session.attempt, received, buffer: this.#core.limits.queue });
    } else {
      if (this.#wasUp) this.#endSession({ by: "link", code: undefined, reason: "the session is not resumed" });
      this.#listen(link);
      this.#freshSession(link);
    }
    old?.close(4410, "another link has taken over");
  }

  #listen(link: Link): void {
    link.listen({
      message: (text) => {
        if (link === this.#link) this.#receive(text);
        else if (link === this.#candidate) this.#receiveFirst(text);
      },
      closed: (code, reason) => this.#lost(link, { by: code ? "peer" : "link", code, reason }),
    });
  }

  #hello(link: Link, session: object | undefined): void {
    this.#core.isGreeted = true;
    const params = { duplex: 1, batch: 100, ack: true, results: true, session };
    link.send(`{"jsonrpc":"2.0","method":"$/hello","params":${JSON.stringify(params)}}`);
  }

  /** The link is over, or carries nothing any more. */
  #lost(link: Link, closed: Closed): void {
    if (link === this.#candidate) {
      this.#candidate = undefined;
      this.#candidateDue = Infinity;
      if (closed.code !== 1013) this.#isUnheard();
    } else if (link === this.#link) {
      this.#link = undefined;
      this.#away = now();
      this.#attempt = 0;
    } else return;
    const { code } = closed;
    if (closed.by === "peer" && FINAL.includes(code!)) return this.#core.ended(closed);
    if (closed.by === "peer") this.#isBlamed = BLAMES.includes(code!);
    if (closed.by === "peer" && code === 1000) this.#withToken = false;
    this.#ackDue = Infinity;
    if (!this.#session?.token) this.#endSession(closed);
    if (this.#dialling) this.#tell(closed);
    else this.#again(this.#delays.afterLoss(now()), closed);
  }

  /** Gives up the link. */
  drop(reason: string): void {
    const link = this.#link ?? this.#candidate;
    if (!link) return;
    link.close(4410, reason);
    this.#lost(link, { by: "link", code: 4410, reason });
  }

  /** Ends the link and the session, and connects again. */
  #fault(code: number, reason: string): void {
    const link = this.#link ?? this.#candidate;
    const closed: Closed = { by: "us", code, reason };
    link?.close(code, reason);
    this.#endSession(closed);
    if (link) this.#lost(link, closed);
  }

  close(code: number, reason: string): void {
    (this.#link ?? this.#candidate)?.close(code, reason);
  }

  // Messages that come.

  #receive(text: string): void {
    const session = this.#session;
    const wasCounting = session?.isCounting;
    this.#isOfLink = false;
    this.#core.receive(text);
    // A hello or an end of the session may have come of it.
    if (session && session === this.#session && wasCounting && !this.#isOfLink) {
      if (session.take(text)) this.#acknowledge();
      else if (this.#ackDue === Infinity) this.#alarm.set((this.#ackDue = now() + ACK_AFTER));
    } else if (session && session === this.#session && !session.isCounting && !this.#core.greeting && text) {
      this.#isPlain(text);
    }
    this.#pump();
  }

  /** An answer without a hello before it is that of a plain peer: there is no session. */
  #isPlain(text: string): void {
    if (!/"(result|error)"\s*:/.test(text)) return;
    this.#session = undefined;
  }

  /** Reads what comes on a link that is to resume the session: nothing counts but the hello. */
  #receiveFirst(text: string): void {
    let message;
    try {
      message = JSON.parse(text) as Message;
    } catch {
      return;
    }
    if (message?.["method"] === "$/hello" && !("id" in message)) {
      this.#onAnswer((message["params"] ?? {}) as Message);
      this.#pump();
    }
  }

  #onHello({ session: said }: Message, text: string): void {
    if (/^\s*\[/.test(text)) return; // in a batch it is like any other message
    this.#isOfLink = true;
    const session = this.#session;
    // Only the first hello of a link says something.
    if (!session || session.isCounting) return;
    if (isObject(said) && session.grant(said)) {
      this.#delays.up(now(), said["spreadMs"]);
      this.#acknowledge();
      this.#setAckedAt();
    } else this.#session = undefined;
  }

  /** The server has answered a hello that resumes. */
  #onAnswer(params: Message): void {
    const said = isObject(params["session"]) ? params["session"] : {};
    const link = this.#candidate!;
    const session = this.#session!;
    this.#candidateDue = Infinity;
    if (said["resumed"] === true) {
      if (!session.resume(said)) return this.#fault(1002, "the counts or the token of the session are false");
      this.#carry(link);
      this.#delays.up(now(), said["spreadMs"]);
      this.#acknowledge();
      for (const { text } of session.kept) link.send(text);
      for (const text of this.#owed.splice(0)) this.#transmit(text);
      this.#setAckedAt();
      return this.#isUp();
    }
    const { received, code, reason } = said;
    const why = `the server does not resume the session: ${String(said["refused"] ?? "none")}`;
    const isTold = isCount(code, 4999);
    const closed: Closed = { by: isTold ? "peer" : "link", code: isTold ? code : undefined, reason: String(reason ?? why) };
    const isCounted = Number.isInteger(received) && (received as number) >= session.acknowledged;
    this.#endSession(closed, isCounted ? (received as number) : undefined);
    // The hello that asked to resume has begun another session on this link.
    this.#carry(link);
    this.#core.greeting = { ...params };
    this.#session = new Session();
    if (this.#session.grant(said)) this.#acknowledge();
    else this.#session = undefined;
    this.#delays.up(now(), said["spreadMs"]);
    this.#open();
  }

  #onAck({ n }: Message, text: string): void {
    if (/^\s*\[/.test(text)) return;
    this.#isOfLink = true;
    const session = this.#session;
    if (!session?.isCounting) return;
    if (session.acknowledge(n)) this.#setAckedAt();
    else this.#fault(1002, "an acknowledgement is false");
  }

  #onGoAway({ reconnectAfterMs, move }: Message): void {
    const [min, max] = Array.isArray(reconnectAfterMs) ? (reconnectAfterMs as unknown[]) : [];
    this.#delays.window = typeof min === "number" && typeof max === "number" ? [min, max] : [0, 5_000];
    if (move === true && now() - this.#movedAt >= MOVE_EVERY) {
      this.#movedAt = now();
      this.reconnectNow();
    }
  }

  #acknowledge(): void {
    this.#ackDue = Infinity;
    const n = this.#session!.acknowledging();
    this.#link?.send(`{"jsonrpc":"2.0","method":"$/ack","params":{"n":${n}}}`);
  }

  #setAckedAt(): void {
    this.#ackedAt = now();
    this.#alarm.set(this.#ackedAt + ACK_WITHIN);
  }

  // Sessions.

  /** The link carries the messages from now on. */
  #carry(link: Link): void {
    this.#link = link;
    this.#candidate = undefined;
    this.#unheard = 0;
    this.#withToken = true;
    this.#isUnauthorized = false;
    this.#isBlamed = false;
    this.#ackDue = Infinity;
  }

  /** Begins a session on a link, which the server may grant or not. */
  #freshSession(link: Link): void {
    const core = this.#core;
    const { hello = "always" } = core.options;
    const asks = hello === "always" && this.#options.session !== false;
    core.greeting = undefined;
    core.isGreeted = false;
    this.#session = asks ? new Session() : undefined;
    this.#hasPinged = false;
    if (hello === "always") this.#hello(link, asks ? { buffer: core.limits.queue } : undefined);
    this.#carry(link);
    this.#delays.up(now(), undefined);
    this.#open();
  }

  /** Lets the program open the session, and everything else go behind that. */
  #open(): void {
    const { onSession } = this.#options;
    const link = this.#link;
    const opened = (): void => {
      this.#isGated = false;
      this.#pump();
      this.#isUp();
    };
    if (!onSession) return opened();
    this.#isGated = true;
    const session = this.#session;
    const isCurrent = (): boolean => this.#isGated && (session ? session === this.#session : link === this.#link);
    const failed = (error: unknown): void => {
      if (!isCurrent()) return;
      const closed: Closed = { by: "us", code: 1000, reason: "the session could not be opened" };
      const current = this.#link;
      current?.close(1000, closed.reason);
      this.#endSession(closed);
      this.#link = undefined;
      this.#withToken = false;
      this.#away = now();
      if (!this.#dialling) this.#again(this.#delays.afterFailure(), error);
    };
    new Promise((resolve) => resolve(onSession(new Peer(this.#core, true)))).then(() => isCurrent() && opened(), failed);
  }

  /**
   * Ends the session. What the server certainly has not taken in goes on in the next one, as do calls that may run
   * twice and subscriptions; all other calls fail by their fate.
   */
  #endSession(closed: Closed, received?: number): void {
    const core = this.#core;
    const session = this.#session;
    const kept = session?.kept ?? [];
    const first = (session?.acknowledged ?? 0) + 1;
    const waiting = this.#waiting.filter((message) => message.isPutBack !== undefined);
    const again: Outgoing[] = [];
    const later = new Set<Call>();
    this.#session = undefined;
    this.#owed = [];
    this.#isGated = false;
    kept.forEach(({ message }, at) => {
      const calls = message ? callsOf(message) : [];
      const isNote = message?.isPutBack !== undefined && !(message instanceof Call) && !isBatch(message);
      const isNotTaken = received !== undefined && first + at > received;
      if (calls.length === 0 && !isNote) return;
      const isFirst = calls.some((call) => call.isFirst);
      const hasStreams = calls.some((call) => call.stream);
      if (isNotTaken && !message!.isPutBack && !isFirst && !hasStreams && !this.#isBlamed) {
        message!.isPutBack = true;
        again.push(message!);
        for (const call of calls) {
          core.calls.delete(call.id!);
          call.id = undefined;
          later.add(call);
        }
        return;
      }
      if (isNotTaken) {
        if (!message!.isPutBack) this.#isBlamed = false;
        for (const call of calls) call.closed(closed, "NotSent");
        this.#losses.calls += calls.length;
      }
      if (isNote) this.#losses.notifications++;
    });
    for (const call of [...core.calls.values()]) {
      if (call.options.idempotencyKey !== undefined && !call.isFirst && !call.stream) {
        core.calls.delete(call.id!);
        call.id = undefined;
        again.push(call);
      } else {
        this.#losses.calls++;
        call.closed(closed);
      }
    }
    this.#hasLostSession ||= this.#wasUp;
    this.#waiting = again;
    core.serving.stop(closed);
    core.greeting = undefined;
    for (const tell of [...core.onEnd]) tell(closed, true); // subscriptions begin anew
    this.#waiting.push(...waiting);
    this.#waitingSize = this.#waiting.reduce((sum, { size }) => sum + size, 0);
  }

  // What the program asks for.

  reconnectNow(): void {
    const { end } = this.#core;
    const dialling = this.#dialling;
    const canMove = this.#link && this.#session?.token !== undefined && !dialling;
    const isWaiting = !this.#link && !this.#candidate && !dialling;
    if (!end && (isWaiting || canMove || (dialling && now() - dialling.since >= YOUNG))) this.#begin();
  }

  newSession(): Promise<void> {
    const reason = "the program begins another session";
    const closed: Closed = { by: "us", code: 1000, reason };
    const link = this.#link ?? this.#candidate;
    this.#link = this.#candidate = undefined;
    this.#candidateDue = Infinity;
    link?.close(1000, reason);
    this.#endSession(closed);
    this.#away = now();
    this.#begin();
    return this.up();
  }

  pause(): void {
    this.#isPaused = true;
    this.#dialling?.aborts.abort();
    this.#dialling = undefined;
    this.#nextAttempt = Infinity;
    this.drop("paused");
  }

  // States.

  up(): Promise<void> {
    if (this.#link && !this.#isGated) return Promise.resolve();
    return new Promise((resolve, reject) => this.#ups.push({ resolve, reject }));
  }

  #isUp(): void {
    if (!this.#link || this.#isGated) return;
    const losses: Losses = this.#losses;
    if (this.#hasLostSession) this.#set({ is: "fresh", ...losses });
    else this.#set({ is: "up", resumed: this.#wasUp });
    this.#wasUp = true;
    this.#hasLostSession = false;
    this.#losses = { calls: 0, notifications: 0 };
    this.#attempt = 0;
    for (const { resolve } of this.#ups.splice(0)) resolve();
    this.#pump();
  }

  /** Tells the state of a client without a link. */
  #tell(error?: unknown): void {
    if (this.#core.end || (this.#link && !this.#isGated)) return;
    const next = this.#nextAttempt === Infinity ? undefined : this.#nextAttempt;
    const { state } = this;
    const why = error ?? ("error" in state ? state.error : undefined);
    const attempt = this.#dialling ? this.#attempt : this.#attempt + 1;
    if (this.#wasUp) this.#set({ is: "away", since: this.#away, attempt, next, error: why });
    else this.#set({ is: "connecting", attempt, next, error: why });
  }

  #set(state: State): void {
    this.state = state;
    try {
      this.#options.onState?.(state);
    } catch (error) {
      (this.#options.onError ?? console.error)(error, "onState");
    }
  }

  #ended(closed: Closed): void {
    this.#alarm.stop();
    clearTimeout(this.#poll);
    this.#dialling?.aborts.abort();
    this.#dialling = undefined;
    (this.#link ?? this.#candidate)?.close(closed.code ?? 1000, closed.reason);
    this.#link = this.#candidate = undefined;
    for (const message of this.#waiting.splice(0)) callsOf(message).forEach((call) => call.closed(closed));
    for (const resolve of this.#rooms.splice(0)) resolve();
    this.#set({ is: "ended", closed });
    for (const { reject } of this.#ups.splice(0)) reject(new ConnectError(closed.reason || "closed", undefined, closed));
  }

  /** Does what is due. Returns when the next is. */
  #ring(): number {
    const time = now();
    const session = this.#session;
    const { giveUpAfter = Infinity } = this.#options;
    if (!this.#link && time >= this.#away + giveUpAfter) {
      this.#core.ended({ by: "us", code: undefined, reason: "no link in time" });
      return Infinity;
    }
    const dialDue = this.#dialling ? this.#dialling.since + HANDSHAKE : Infinity;
    const keptUntil = session?.token && !this.#link ? this.#away + session.keepMs + DEAD_AFTER : Infinity;
    const ackedUntil = this.#link && session?.isCounting && session.kept.length > 0 ? this.#ackedAt + ACK_WITHIN : Infinity;
    if (time >= dialDue) {
      this.#dialling!.aborts.abort();
      this.#failed(new ConnectError("no answer in time"), false);
    }
    if (time >= this.#candidateDue) this.drop("no hello in time");
    if (time >= this.#ackDue) this.#acknowledge();
    if (time >= ackedUntil) this.#fault(4008, "acknowledges nothing");
    if (time >= keptUntil) this.#endSession({ by: "link", code: undefined, reason: "the session was away for too long" });
    if (time >= this.#nextAttempt) this.#begin();
    const due = [this.#candidateDue, this.#ackDue, this.#nextAttempt];
    if (this.#dialling) due.push(this.#dialling.since + HANDSHAKE);
    if (time < keptUntil) due.push(keptUntil);
    if (time < ackedUntil) due.push(ackedUntil);
    if (!this.#link) due.push(this.#away + giveUpAfter);
    return Math.min(...due);
  }
}

function isObject(value: unknown): value is Message {
  return typeof value === "object" && value !== null;
}

/** A message with several calls. */
function isBatch(message: Outgoing): message is Outgoing & { readonly calls: Call[] } {
  return "calls" in message;
}

/** Returns the calls of a message that wait for an answer. */
function callsOf(message: Outgoing): Call[] {
  if (message instanceof Call) return message.isDone ? [] : [message];
  return isBatch(message) ? message.calls : [];
}
