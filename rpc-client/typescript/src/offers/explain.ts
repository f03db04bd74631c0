/** Errors that may be owed to another version of the service at the other end. */

import { writing } from "../call.js";
import type { Core } from "../core.js";
import { RpcError } from "../errors.js";
import { describe, mismatch, type Comparison } from "./comparison.js";
import type { ServiceVersion } from "./services.js";

/** Lets calls of services tell what is known of the other end, if it refuses a method or its params. @internal */
export function explainErrors(core: Core, services: readonly ServiceVersion[], known: Comparison): void {
  const names = new Map(services.flatMap(({ name, methods }) => methods.map((method) => [method, name])));
  const encode = core._encode.bind(core);
  core._encode = (method, params, json) => {
    const call = writing;
    const service = names.get(method);
    if (call && service !== undefined) {
      const settle = call._settle;
      call._settle = (error, ...told) => settle.call(call, error && explained(error, method, service, known), ...told);
    }
    return encode(method, params, json);
  };
}

/** Returns an error with what is known of the method's service. */
function explained(error: Error, method: string, service: string, known: Comparison): Error {
  const differing = known._differing.get(service);
  if (!differing || !(error instanceof RpcError)) return error;
  const { code, message, data } = error;
  const isMissing = code === -32601;
  if (!isMissing && code !== -32602) return error;
  const changes = differing._changes.filter((change) => !isMissing && change.method === method);
  const found = {
    ...mismatch(differing),
    lacks: isMissing ? method : undefined,
    differences: changes.map(({ text }) => text),
  };
  return Object.assign(new RpcError(code, `${message}: ${describe(found)}`, data), { mismatch: found });
}
