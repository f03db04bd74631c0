/** Methods whose params have names. */

import type { Context } from "./context.js";
import { RpcError } from "./errors.js";
import type { Handler, Handlers, Method } from "./handlers.js";
import type { Json } from "./json.js";

/** A parameter: its name, with `?` behind it if it may be left out. */
export type Param = string | ParamReader;

/** A parameter whose value is more than JSON, such as a stream. */
export interface ParamReader {
  readonly name: string;
  read(value: unknown, context: Context): unknown;
}

export interface MethodOptions {
  /** How params are read and the result is written, if not as by the peer. */
  readonly json?: Json;
}

/** A function of params, which are as the other end has sent them, and of a {@link Context} behind them. */
// Any function that takes fewer, too.
export type Run<Result = unknown> = (...params: any[]) => Result;

/** Declares a method with the names of its params. `run` gets them in this order, and then the context. */
export function method(params: readonly Param[], run: Run, { json }: MethodOptions = {}): Method {
  const names = params.map((param) => (typeof param === "string" ? param.replace(/\?$/, "") : param.name));
  return {
    stringify: json?.stringify,
    serve(given, context) {
      const read = json ? (context.peer._core._read(context._text, json) as { params?: unknown }).params : given;
      const values = inOrder(names, read, context.id === undefined);
      const taken = params.map((param, at) => {
        const value = values[at];
        // Only the name of one that may be left out has a `?` behind it.
        if (value === undefined && param !== `${names[at]}?`) throw invalid(`parameter \`${names[at]}\` is missing`);
        return typeof param === "string" ? value : param.read(value, context);
      });
      return run(...taken, context);
    },
  };
}

/** What is known of the methods of a service: the params of each, or a function that makes the method of its `run`. */
export type ServiceMethods<T> = {
  readonly [Name in keyof T & string]: readonly Param[] | ((run: Run) => Handler);
};

/**
 * Makes handlers of an object that implements a service. `prefix` stands before each name on the wire, such as `chat.`.
 *
 * ```ts
 * interface Chatter { confirm(question: string, context: Context): Promise<boolean>; }
 * const handlers = service<Chatter>("chatter.", { confirm: ["question"] }, { async confirm(question) { … } });
 * ```
 */
export function service<T extends object>(prefix: string, methods: ServiceMethods<T>, implementation: T): Handlers {
  const names = Object.keys(methods) as (keyof T & string)[];
  const offered = names.map((name): [string, Handler] => {
    const of: readonly Param[] | ((run: Run<never>) => Handler) = methods[name];
    const run: Run<never> = (...params) => (implementation[name] as Run<never>)(...params);
    return [prefix + name, typeof of === "function" ? of(run) : method(of, run)];
  });
  // Defines members, so that no name reaches a prototype.
  return Object.fromEntries(offered);
}

/** Returns params in the order of their declaration. What a notification has too much is ignored. */
function inOrder(names: readonly string[], params: unknown, isNotification: boolean): unknown[] {
  if (params === undefined || Array.isArray(params)) {
    const values = (params as unknown[] | undefined) ?? [];
    if (values.length > names.length && !isNotification) {
      throw invalid(`takes ${names.length} params, got ${values.length}`);
    }
    return values;
  }
  const byName = new Map<string, unknown>(Object.entries(params as object));
  const values = names.map((name) => byName.get(name));
  const unknown = [...byName.keys()].filter((key) => key !== "_meta" && !names.includes(key));
  if (unknown.length > 0 && !isNotification) throw invalid(`unknown parameter \`${unknown.join("`, `")}\``);
  return values;
}

function invalid(message: string): RpcError {
  return new RpcError(-32602, message);
}
