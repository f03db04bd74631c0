/** Methods that may change or go: only who asks for them is served. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { method, unstable } from "../src/index.js";
import { connect } from "./support/connected.js";

test("an unstable method is there only for who asks for it", async () => {
  const ran: string[] = [];
  const handlers = {
    plain: unstable((a: number, b: number) => a + b),
    named: unstable(method(["a"], (a: number) => a + 1)),
    note: unstable(() => void ran.push("note")),
    stream: unstable({ serve: () => 1, companions: () => ({ stop: () => true }) }),
  };
  for (const [params, code] of [
    [{ duplex: 1 }, -32601],
    [{ duplex: 1, unstable: false }, -32601],
    [{ duplex: 1, unstable: true }, undefined],
  ] as const) {
    const errors: unknown[] = [];
    const { raw } = connect({ handlers, onError: (error) => errors.push(error) });
    raw.send({ jsonrpc: "2.0", method: "$/hello", params });
    await raw.next();
    raw.send({ jsonrpc: "2.0", method: "note", params: [] });
    for (const [name, params, result] of [
      ["plain", [1, 2], 3],
      ["named", { a: 1 }, 2],
      ["stream", [], 1],
      ["stop", ["s"], true],
    ] as const) {
      raw.send({ jsonrpc: "2.0", id: 1, method: name, params });
      const error = { code: -32601, message: `no method \`${name}\`` };
      assert.deepEqual(await raw.next(), { jsonrpc: "2.0", id: 1, ...(code ? { error } : { result }) });
    }
    assert.deepEqual(errors, []);
  }
  assert.deepEqual(ran, ["note"]);
});
