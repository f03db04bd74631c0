/** Streams among the params of what this end serves. */

import type { Context } from "../context.js";
import { RpcError } from "../errors.js";
import type { ParamReader } from "../method.js";
import { receiveStream, type StreamOptions } from "./incoming.js";

/**
 * A param of a method whose value is a stream of the caller. The stream ends with its call.
 *
 * ```ts
 * const handlers = { sum: method([streamParam("values")], async (values: AsyncIterable<number>) => …) };
 * ```
 */
export function streamParam(name: string, options: StreamOptions = {}): ParamReader {
  return {
    name,
    read(value, context: Context) {
      const { _core: core } = context.peer;
      const id = (value as { $stream?: unknown } | undefined)?.$stream;
      if (typeof id !== "string") throw new RpcError(-32602, `parameter \`${name}\` is no stream`);
      const stream = receiveStream(core, options, (id) => core._post("$/stop", { subscription: id }));
      stream._begin(id, true);
      const { _afterAnswer: afterAnswer } = context;
      context._afterAnswer = () => {
        afterAnswer?.();
        stream._finish();
      };
      context.signal.addEventListener("abort", () => stream._finish(context.signal.reason as Error));
      return stream;
    },
  };
}
