/** What a peer offers to the other end. */

import type { Context } from "./context.js";

/**
 * A method that is offered: a plain function takes params by position, and params by name as one object. What
 * {@link method} makes knows the names of its params, so that it takes both forms, and gets a {@link Context}.
 */
export type Handler = Method | ((...params: never[]) => unknown);

/** Handlers by the names of their methods on the wire. */
export interface Handlers {
  readonly [method: string]: Handler;
}

/** A method that reads its own params. */
export interface Method {
  /** Runs the method with its params as they came. */
  serve(params: unknown, context: Context): unknown;
  /** Writes the result, if not as the peer does. */
  readonly stringify?: ((value: unknown) => string | undefined) | undefined;
  /** The methods that belong to this one, by their names. */
  companions?(name: string): Handlers;
}

/** Returns the methods by name, where no name can meet what objects inherit. @internal */
export function table(handlers: Handlers, methods = new Map<string, Handler>()): Map<string, Handler> {
  for (const [name, handler] of Object.entries(handlers)) {
    methods.set(name, handler);
    if ("companions" in handler) table(handler.companions!(name), methods);
  }
  return methods;
}
