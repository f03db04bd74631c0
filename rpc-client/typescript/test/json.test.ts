/** Texts and their parts, at random. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { exactJson } from "../src/index.js";
import { member, parts, utf8Length } from "../src/raw.js";
import { generator } from "./support/random.js";

const STRINGS = [
  "",
  "a",
  "{",
  "}",
  "[,]",
  '"',
  "\\",
  '\\"',
  "\u0001",
  "\u00011",
  "\u0001s",
  "é😀",
  ":",
  "12345678901234567890",
];

function value(random: (most: number) => number, depth: number, big: boolean): unknown {
  switch (random(depth > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return random(2) === 0;
    case 2:
      return STRINGS[random(STRINGS.length)];
    case 3:
      return random(1_000_000) / 8 - 1_000;
    case 4:
      return big ? 2n ** BigInt(54 + random(100)) * (random(2) === 0 ? 1n : -1n) : random(10);
    case 5:
    case 6:
      return Array.from({ length: random(4) }, () => value(random, depth - 1, big));
    default:
      return Object.fromEntries(
        Array.from({ length: random(4) }, (_, n) => [
          `${STRINGS[random(STRINGS.length)]}${n}`,
          value(random, depth - 1, big),
        ]),
      );
  }
}

test("parts are what JSON.parse makes of them, whatever the whitespace", () => {
  const random = generator(1);
  for (let run = 0; run < 3_000; run++) {
    const made = value(random, 4, false);
    const text = JSON.stringify(made, undefined, random(3));
    const found = parts(text);
    if (Array.isArray(made))
      assert.deepEqual(
        found.map(([, text]) => JSON.parse(text)),
        made,
      );
    else if (typeof made === "object" && made !== null) {
      assert.deepEqual(Object.fromEntries(found.map(([name, text]) => [name, JSON.parse(text)])), made);
    } else assert.deepEqual(found, []);
  }
  assert.equal(member('{"a":{"b":[1.0, 2]}}', "a", "b"), "[1.0, 2]");
  assert.equal(member('{"a":1}', "a", "b"), undefined);
  assert.deepEqual(parts('{"a":1,"\\u0061":2}'), [
    ["a", "1"],
    ["a", "2"],
  ]);
});

test("integers are exact both ways, and all else stays as it is", () => {
  const random = generator(2);
  for (let run = 0; run < 3_000; run++) {
    const made = value(random, 4, true);
    assert.deepEqual(exactJson.parse(exactJson.stringify(made)!), made);
  }
  assert.deepEqual(exactJson.parse(" [9007199254740993, 9007199254740991, 1.0, -0, 1e400] "), [
    9007199254740993n,
    9007199254740991,
    1,
    -0,
    Infinity,
  ]);
  assert.equal(exactJson.stringify({ n: 2n ** 64n }), '{"n":18446744073709551616}');
  assert.equal(exactJson.stringify(undefined), undefined);
  const plain = value(random, 6, false);
  assert.equal(exactJson.stringify(plain), JSON.stringify(plain));
});

test("lengths are those of UTF-8", () => {
  for (const text of STRINGS) assert.equal(utf8Length(text), Buffer.byteLength(text), text);
});
