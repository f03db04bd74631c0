/** Links over WebSockets: the browser's, Node's, `ws`, or any object that looks like one. */

import { ConnectError, type Dial, type Link, type LinkEvents } from "./link.js";

/** What is used of a WebSocket. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(message: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  // Each kind of WebSocket has event types of its own.
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: any) => void): void;
}

export type WebSocketClass = new (url: string, protocols?: string[]) => WebSocketLike;

/** A value, or a function that gives it at each attempt: for credentials that expire. */
export type Provided<T> = T | (() => T | Promise<T>);

export interface WebSocketOptions {
  /** The class to use where there is no global `WebSocket`, as in Node 20. */
  readonly WebSocket?: WebSocketClass;
  /** Subprotocols to offer; none by default. */
  readonly protocols?: Provided<readonly string[]>;
}

/** Dials a WebSocket. A function gives the URL at each attempt. */
export function webSocket(url: Provided<string | URL>, options: WebSocketOptions = {}): Dial {
  return async ({ protocols, signal }) => {
    const offered = [...((await provided(options.protocols)) ?? []), ...protocols];
    const Socket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
    if (!Socket) throw new ConnectError("give the option `WebSocket`");
    const address = String(await provided(url));
    return overSocket(new Socket(address, offered), signal);
  };
}

/** @internal */
export function provided<T>(value: Provided<T>): T | Promise<T> {
  return typeof value === "function" ? (value as () => T | Promise<T>)() : value;
}

/** Makes a link of a WebSocket that is open or about to be. */
export function overSocket(socket: WebSocketLike, signal?: AbortSignal): Promise<Link> {
  /** What came before anybody listened. */
  const early: (() => void)[] = [];
  let events: LinkEvents | undefined;
  let isOver = false;
  const tell = (event: () => void): void => void (isOver || (events ? event() : early.push(event)));
  const close = (code: number, reason: string): void => {
    isOver = true;
    reason = reason.slice(0, 41); // a close frame has room for 123 bytes
    try {
      socket.close(code, reason);
    } catch {
      // A browser lets a page use 1000 and what is private, so 1002 becomes 3002.
      socket.close(code + 2000, reason);
    }
  };
  const link: Link = {
    binary: true,
    listen(to) {
      events = to;
      for (const event of early) event();
    },
    send: (message) => void (socket.readyState === 1 && socket.send(message)),
    backlog: () => socket.bufferedAmount,
    close,
  };
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    const on = socket.addEventListener.bind(socket);
    on("open", () => resolve(link));
    on("message", ({ data }: { data: string | ArrayBuffer }) =>
      tell(() => {
        let text;
        try {
          // A binary message that is UTF-8 counts as text.
          text = typeof data === "string" ? data : new TextDecoder("utf-8", { fatal: true }).decode(data);
        } catch {
          if (events!.binary?.(data as ArrayBuffer)) return;
          close(1003, "binary");
          return events!.closed(1003, "binary");
        }
        events!.message(text);
      }),
    );
    // Only `ws` says why. A WebSocket of Node may end without a close.
    const failed = (why = "no connection"): void => {
      const status = /response: (\d+)/.exec(why)?.[1];
      reject(new ConnectError(why, status ? +status : undefined, /E[A-Z]{5}|hang up/.exec(why)?.[0]));
    };
    on("error", ({ message }: { message?: string }) => failed(message));
    on("close", ({ code, reason }: { code: number; reason: string }) => {
      failed();
      tell(() => events!.closed(code === 1006 ? undefined : code, reason)); // 1006 stands for the lack of a close frame
      isOver = true;
    });
    signal?.addEventListener("abort", () => close(1000, ""));
    if (socket.readyState === 1) resolve(link);
  });
}
