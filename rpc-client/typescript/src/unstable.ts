/** Methods that may change or go. */

import type { Context } from "./context.js";
import { RpcError } from "./errors.js";
import type { Handler, Handlers, Method } from "./handlers.js";

/**
 * Makes a method unstable: it is there only for a peer that asks for unstable methods in its hello (`unstable: true`).
 * For any other peer there is no such method.
 *
 * ```ts
 * const handlers = { draw: unstable(method(["picture"], (picture: Bytes) => …)) };
 * ```
 */
export function unstable(handler: Handler): Method {
  const companions = (name: string): Handlers => {
    const of = (handler as Partial<Method>).companions?.(name) ?? {};
    return Object.fromEntries(Object.entries(of).map(([name, companion]) => [name, unstable(companion)]));
  };
  return {
    stringify: (handler as Partial<Method>).stringify,
    serve(params, context) {
      if (!isAsked(context)) return refused(context);
      if (typeof handler !== "function") return handler.serve(params, context);
      return handler(...((Array.isArray(params) ? params : params === undefined ? [] : [params]) as never[]));
    },
    companions,
  };
}

/** Answers as to any other name that is not there; a notification is nothing. */
function refused({ id, method }: Context): void {
  if (id !== undefined) throw new RpcError(-32601, `no method \`${method}\``);
}

/** Whether the other end asks for unstable methods. @internal */
export function isAsked({ peer }: Context): boolean {
  return peer._core._greeting?.unstable === true;
}
