/** JSON whose integers are never rounded. */

import type { Json } from "./json.js";

/** A string, with the colon behind it if it is the name of a member; or a number. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|-?\d[\d.eE+-]*/g;

/** An integer that may be more than a `number` holds: it has so many digits. */
const LONG = /^-?\d{16,}$/;

/** Stands before the digits of an integer that is written as a string, and before an `s` in strings that begin so. */
const MARK = "\u0001";
const ESCAPED = '"\\u0001';

/**
 * Reads integers that a `number` cannot hold as `bigint`, and writes `bigint` as integers. What a `number` holds stays
 * one. For methods with such fields: `peer.call("count", [2n ** 63n], { json: exactJson })`.
 */
export const exactJson: Json = {
  parse(text) {
    const marked = text.replace(TOKEN, (token) =>
      LONG.test(token) ? `${ESCAPED}${token}"` : isMarked(token) ? `${ESCAPED}s${token.slice(7)}` : token,
    );
    return JSON.parse(marked, (_, value: unknown) => {
      if (typeof value !== "string" || !value.startsWith(MARK)) return value;
      if (value[1] === "s") return MARK + value.slice(2);
      const integer = BigInt(value.slice(1));
      return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
    });
  },
  stringify(value) {
    const marked = JSON.stringify(value, (_, value: unknown) => {
      if (typeof value === "bigint") return MARK + value;
      return typeof value === "string" && value.startsWith(MARK) ? `${MARK}s${value.slice(1)}` : value;
    });
    return marked?.replace(TOKEN, (token) => {
      if (!isMarked(token)) return token;
      return token[7] === "s" ? `${ESCAPED}${token.slice(8)}` : token.slice(7, -1);
    });
  },
};

function isMarked(token: string): boolean {
  return token.startsWith(ESCAPED) && token.endsWith('"');
}
