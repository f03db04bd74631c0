/** Patches: judged by a library that others have written. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import { exactJson, type Operation } from "../src/index.js";
import { diff } from "../src/live/diff.js";
import { shared } from "../src/live/json-value.js";
import { Log, merged } from "../src/live/log.js";
import { Document } from "../src/live/patch.js";
import { generator } from "./support/random.js";
import { randomChange, randomValue } from "./support/values.js";

const { applyPatch, compare, getValueByPointer } = fastJsonPatch;

const LIMIT = 1 << 20;

/** Applies a patch with the foreign library. */
function foreign(value: unknown, patch: readonly Operation[]): unknown {
  return applyPatch(structuredClone(value), structuredClone(patch) as never, true).newDocument;
}

/** Returns the operations that do the same, since the library does not check where `move` and `copy` lead. */
function inSteps(before: unknown, operation: Operation): Operation[] {
  const { op, path } = operation;
  if (op !== "move" && op !== "copy") return [operation];
  const value: unknown = getValueByPointer(before, operation.from!);
  if (value === undefined) throw new Error("nothing there");
  const add: Operation = { op: "add", path, value };
  return op === "copy" ? [add] : [{ op: "remove", path: operation.from! }, add];
}

function documentOf(value: unknown, limit = LIMIT): Document {
  const document = new Document(limit);
  document.set(structuredClone(value));
  return document;
}

function patched(value: unknown, patch: unknown, limit?: number): any {
  const document = documentOf(value, limit);
  document.patch(structuredClone(patch));
  return document.value;
}

/** Returns the patch that a publisher writes. */
function patchOf(before: unknown, after: unknown): Operation[] {
  return diff(before, shared(before, structuredClone(after)), JSON).map(({ text }) => JSON.parse(text) as Operation);
}

test("a patch of another library makes of a value what it is to make", () => {
  const random = generator(11);
  for (let run = 0; run < 5_000; run++) {
    const before = { value: randomValue(random, 4) };
    const after = { value: random(3) === 0 ? randomValue(random, 4) : randomChange(random, before.value) };
    assert.deepEqual(patched(before, compare(before, after)), after);
  }
});

test("another library makes of a value what our patch is to make", () => {
  const random = generator(12);
  for (let run = 0; run < 5_000; run++) {
    const before = randomValue(random, 4);
    let after = random(10) === 0 ? randomValue(random, 4) : randomChange(random, before);
    for (let more = random(4); more > 0; more--) after = randomChange(random, after);
    const patch = patchOf(before, after);
    assert.deepEqual(foreign(before, patch), after);
    assert.deepEqual(patched(before, patch), after);
  }
});

test("operations at random do what they do in another library, or are refused by both", () => {
  const random = generator(13);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  const pointers = (value: unknown): string[] =>
    typeof value !== "object" || value === null
      ? [""]
      : [
          "",
          "/-",
          "/9",
          ...Object.entries(value).flatMap(([name, part]) =>
            pointers(part).map((rest) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}${rest}`),
          ),
        ];
  let refused = 0;
  for (let run = 0; run < 20_000; run++) {
    const before = { a: randomValue(random, 3), list: [1, { b: 2 }, [3]] };
    const places = pointers(before).slice(1);
    const op = pick(["add", "remove", "replace", "move", "copy", "test"] as const);
    const operation = { op, path: pick(places), from: pick(places), value: randomValue(random, 1) } as Operation;
    // What RFC 6902 forbids is not found there.
    if (op === "move" && `${operation.path}/`.startsWith(`${(operation as { from: string }).from}/`)) continue;
    let expected: unknown;
    try {
      expected = foreign(before, inSteps(before, operation));
    } catch {
      refused++;
      assert.throws(() => patched(before, [operation]), JSON.stringify([before, operation]));
      continue;
    }
    assert.deepEqual(patched(before, [operation]), expected, JSON.stringify([before, operation]));
  }
  assert.ok(refused > 1_000 && refused < 15_000, `${refused}`);
});

test("changes that later ones make void are left out, and nothing else", () => {
  const random = generator(14);
  let all = 0;
  let left = 0;
  for (let run = 0; run < 2_000; run++) {
    const log = new Log();
    const first = randomValue(random, 4);
    let value = first;
    for (let change = 0; change < 8; change++) {
      const after = shared(value, randomChange(random, value));
      log.push(diff(value, after, JSON), Infinity);
      value = after;
    }
    const changes = log.since(0)!;
    const few = merged(changes);
    all += changes.length;
    left += few.length;
    const patch = few.map(({ text }) => JSON.parse(text) as Operation);
    assert.deepEqual(foreign(first, patch), value);
  }
  assert.ok(left < all * 0.9, `${left} of ${all}`);
});

test("the log of changes keeps no more text than it may, and knows what it has not", () => {
  const log = new Log();
  for (let n = 0; n < 10; n++) {
    log.push(diff({ n: -1 }, { n }, JSON), 100);
    const { length } = log.since(log.end - 1)![0]!.text;
    assert.equal(log.since(n)?.length, 1);
    assert.equal(log.since(n - 1)?.length, n > 0 ? 2 : undefined);
    assert.equal(log.since(n - 2), undefined);
    assert.ok(length * 2 <= 100 && length * 3 > 100);
  }
});

test("merging knows elements that have moved", () => {
  const edits = (...values: unknown[]): string[] => {
    const log = new Log();
    values.reduce((before, after) => {
      const next = shared(before, after);
      log.push(diff(before, next, JSON), Infinity);
      return next;
    });
    return merged(log.since(0)!).map(({ text }) => {
      const { op, path } = JSON.parse(text);
      return `${op} ${path}`;
    });
  };
  const wide = "x".repeat(300);
  assert.deepEqual(edits({ a: 1, wide }, { a: 2, wide }, { a: 3, wide }), ["add /a"]);
  assert.deepEqual(edits({ a: { b: 1 }, wide }, { a: { b: 2 }, wide }, { wide }), ["remove /a"]);
  assert.deepEqual(edits({ wide }, { a: 1, wide }, { wide }), ["add /a", "remove /a"]);
  assert.deepEqual(edits({ a: 1, wide }, { wide }, { a: 2, wide }), ["add /a"]);
  // The element that was set is another one when its place is set again.
  assert.deepEqual(edits([1, 2, wide], [7, 2, wide], [2, wide], [8, wide]), ["replace /0", "remove /0", "replace /0"]);
  // What is beside the array is merged all the same.
  assert.deepEqual(
    edits([{ n: 1, l: [1, wide] }], [{ n: 2, l: [1, wide] }], [{ n: 2, l: [wide] }], [{ n: 3, l: [wide] }]),
    ["remove /0/l/0", "add /0/n"],
  );
});

test("a list whose window slides costs its ends alone", () => {
  const rows = Array.from({ length: 100 }, (_, id) => ({ id, name: `row ${id}` }));
  const ops = (before: unknown, after: unknown): string[] =>
    patchOf(before, after).map(({ op, path }) => `${op} ${path}`);
  assert.deepEqual(ops(rows.slice(0, 90), rows.slice(2, 91)), ["remove /0", "remove /0", "add /88"]);
  assert.deepEqual(ops(rows.slice(2, 91), rows.slice(0, 90)), ["remove /88", "add /0", "add /1"]);
  assert.deepEqual(ops(rows, rows.toSpliced(40, 1)), ["remove /40"]);
  assert.deepEqual(ops(rows, rows.toSpliced(40, 0, { id: -1, name: "" })), ["add /40"]);
  assert.deepEqual(ops(rows, rows.toSpliced(40, 1, { id: 40, name: "other" })), ["add /40/name"]);
  const alike = Array.from({ length: 200_000 }, () => 0);
  assert.ok(patchOf([...alike, 1, 2], [3, ...alike, 2, 1]).length >= 1); // and takes no minutes
});

test("what is shorter as a whole is set as a whole", () => {
  const wide = "x".repeat(300);
  assert.deepEqual(patchOf({ p: { x: 1, y: 2, z: 3 }, wide }, { p: { x: 4, y: 5, z: 6 }, wide }), [
    { op: "add", path: "/p", value: { x: 4, y: 5, z: 6 } },
  ]);
});

test("what a patch does not change is the same object as before", () => {
  const document = documentOf({ rows: [{ n: 1 }, { n: 2 }], other: { deep: {} } });
  const before = document.value as any;
  const kept = structuredClone(before);
  document.patch([{ op: "add", path: "/rows/0/n", value: 7 }]);
  const after = document.value as any;
  assert.notEqual(after, before);
  assert.notEqual(after.rows, before.rows);
  assert.notEqual(after.rows[0], before.rows[0]);
  assert.equal(after.rows[1], before.rows[1]);
  assert.equal(after.other, before.other);
  assert.deepEqual(before, kept);
  // In a whole value, too.
  document.set({ rows: [{ n: 7 }, { n: 3 }], other: { deep: {} } });
  const whole = document.value as any;
  assert.equal(whole.rows[0], after.rows[0]);
  assert.equal(whole.other, after.other);
  assert.deepEqual(whole, { rows: [{ n: 7 }, { n: 3 }], other: { deep: {} } });
  document.set(structuredClone(whole));
  assert.equal(document.value, whole);
});

test("a value that was copied is not changed in both places", () => {
  const patch = [
    { op: "add", path: "/a/n", value: 1 },
    { op: "copy", from: "/a", path: "/b" },
    { op: "add", path: "/a/n", value: 2 },
    { op: "add", path: "/b/list/0", value: 3 },
  ];
  assert.deepEqual(patched({ a: { list: [] } }, patch), { a: { list: [], n: 2 }, b: { list: [3], n: 1 } });
});

test("no path leads to what objects inherit", () => {
  const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as object;
  for (const path of ["/__proto__/polluted", "/constructor/prototype/polluted", "/list/constructor", "/list/length"]) {
    for (const op of ["add", "replace"]) {
      assert.throws(() => patched({ list: [] }, [{ op, path, value: true }]), path);
    }
    assert.throws(() => patched({ list: [] }, [{ op: "remove", path }]), path);
    assert.throws(() => patched({ list: [] }, [{ op: "copy", from: path, path: "/x" }]), path);
  }
  const made = patched({}, [
    { op: "add", path: "/__proto__", value: { a: 1 } },
    { op: "add", path: "/__proto__/b", value: 2 },
    { op: "add", path: "/constructor", value: { prototype: {} } },
    { op: "add", path: "/constructor/prototype/polluted", value: true },
    { op: "copy", from: "/__proto__", path: "/toString" },
  ]);
  assert.equal(
    JSON.stringify(made),
    '{"__proto__":{"a":1,"b":2},"constructor":{"prototype":{"polluted":true}},"toString":{"a":1,"b":2}}',
  );
  assert.equal(Object.getPrototypeOf(made), Object.prototype);
  const document = documentOf({});
  document.set(hostile);
  document.set(JSON.parse('{"__proto__":{"polluted":true,"more":1}}'));
  assert.equal(JSON.stringify(document.value), '{"__proto__":{"polluted":true,"more":1}}');
  assert.equal(({} as any).polluted, undefined);
  // What is published has such names, too.
  const patch = patchOf({}, JSON.parse('{"__proto__":{"a":1},"x":1}'));
  assert.equal(JSON.stringify(patched({}, patch)), '{"__proto__":{"a":1},"x":1}');
});

test("a patch that is wrong anywhere changes nothing", () => {
  const value = { list: [1, 2, 3], text: "x", object: { a: 1 } };
  const wrong: unknown[] = [
    { op: "add", path: "/list/4", value: 1 },
    { op: "add", path: "/list/01", value: 1 },
    { op: "add", path: "/list/-1", value: 1 },
    { op: "add", path: "/list/1e0", value: 1 },
    { op: "add", path: "/list/", value: 1 },
    { op: "add", path: "/text/0", value: 1 },
    { op: "add", path: "/none/a", value: 1 },
    { op: "add", path: "list", value: 1 },
    { op: "add", path: "/a~2b", value: 1 },
    { op: "add", path: "/a~", value: 1 },
    { op: "add", path: 1, value: 1 },
    { op: "add", path: "/a" },
    { op: "replace", path: "/none", value: 1 },
    { op: "replace", path: "/list/-", value: 1 },
    { op: "replace", path: "/list/3", value: 1 },
    { op: "remove", path: "/none" },
    { op: "remove", path: "/list/3" },
    { op: "remove", path: "" },
    { op: "move", from: "/object", path: "/object/b" },
    { op: "move", from: "/none", path: "/a" },
    { op: "move", from: "", path: "/a" },
    { op: "move", path: "/a" },
    { op: "copy", from: "/none", path: "/a" },
    { op: "copy", path: "/a" },
    { op: "test", path: "/list", value: [1, 2] },
    { op: "test", path: "/object", value: { b: 1 } },
    { op: "test", path: "/object" },
    { op: "swap", path: "/list", value: 1 },
    { path: "/list", value: 1 },
    {},
    null,
    1,
    "add",
  ];
  for (const operation of wrong) {
    const document = documentOf(value);
    const before = document.value;
    const patch = [{ op: "add", path: "/object/b", value: 0 }, { op: "remove", path: "/object/b" }, operation];
    assert.throws(() => document.patch(patch), JSON.stringify(operation));
    assert.equal(document.value, before);
    assert.deepEqual(before, value);
  }
  for (const patch of [null, undefined, 1, {}, "add"])
    assert.throws(() => patched(value, patch), JSON.stringify(patch));
});

test("all six operations work, at the root as well", () => {
  assert.deepEqual(
    patched({ a: [1, 2] }, [
      { op: "add", path: "/a/-", value: 3 },
      { op: "move", from: "/a/0", path: "/a/2" },
      { op: "copy", from: "/a", path: "/b" },
      { op: "test", path: "/b", value: [2, 3, 1] },
      { op: "replace", path: "/a", value: null },
      { op: "remove", path: "/a" },
      { op: "move", from: "", path: "" },
      { op: "test", path: "", value: { b: [2, 3, 1] } },
    ]),
    { b: [2, 3, 1] },
  );
  assert.deepEqual(patched({ a: 1 }, [{ op: "copy", from: "/a", path: "" }]), 1);
  assert.deepEqual(patched([], [{ op: "replace", path: "", value: "x" }]), "x");
});

test("a hostile patch takes no memory and no time beyond the bounds", () => {
  // Doubles.
  const doubling = Array.from({ length: 64 }, () => ({ op: "copy", from: "/a", path: "/a/-" }));
  assert.throws(() => patched({ a: ["x".repeat(1_000)] }, doubling), RangeError);
  // Grows without an end.
  const document = documentOf({ a: [] }, 10_000);
  const grow = (): void => document.patch([{ op: "add", path: "/a/-", value: "x".repeat(100) }]);
  assert.throws(() => {
    for (;;) grow();
  }, RangeError);
  const { length } = (document.value as { a: unknown[] }).a;
  assert.ok(length > 80 && length <= 100, `${length}`);
  // What goes makes room.
  document.patch([
    { op: "remove", path: "/a/0" },
    { op: "remove", path: "/a/0" },
  ]);
  grow();
  assert.throws(() => documentOf("x".repeat(10_001), 10_000), RangeError);
  // Reads the same large value again and again.
  const large = { a: "x".repeat(100_000) };
  for (const operation of [
    { op: "copy", from: "/a", path: "/b" },
    { op: "move", from: "/a", path: "/a" },
    { op: "test", path: "/a", value: large.a },
  ]) {
    const many = Array.from({ length: 100_000 }, () => operation);
    const document = documentOf(large);
    assert.throws(() => document.patch(many), RangeError, operation.op);
  }
  // Moves all elements of a long list with each operation.
  const list = Array.from({ length: 400_000 }, () => 0);
  const first = Array.from({ length: 100_000 }, () => ({ op: "add", path: "/0", value: 1 }));
  assert.throws(() => patched(list, first), RangeError);
});

test("a value may nest 128 deep, with its path", () => {
  const nested = (depth: number): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < depth; level++) value = [value];
    return value;
  };
  documentOf(nested(128));
  assert.throws(() => documentOf(nested(129)), RangeError);
  assert.deepEqual(patched({ a: 0 }, [{ op: "add", path: "/a", value: nested(127) }]), { a: nested(127) });
  assert.throws(() => patched({ a: 0 }, [{ op: "add", path: "/a", value: nested(128) }]), RangeError);
  const deep = { a: nested(100), b: nested(60) };
  const place = `/a${"/0".repeat(70)}`;
  assert.throws(() => patched(deep, [{ op: "copy", from: "/b", path: place }]), RangeError);
  assert.throws(() => patched(deep, [{ op: "move", from: "/b", path: place }]), RangeError);
  assert.throws(() => patched({}, [{ op: "add", path: "/a".repeat(5_000), value: 1 }]), RangeError);
  assert.throws(() => patched({}, [{ op: "test", path: "", value: nested(100_000) }]), RangeError);
});

test("integers that are no numbers are compared and written exactly", () => {
  const before = { n: 2n ** 64n, m: 1 };
  const after = exactJson.parse(exactJson.stringify({ n: 2n ** 64n + 1n, m: 1 })!);
  const [edit, ...others] = diff(before, shared(before, after), exactJson);
  assert.equal(edit!.text, '{"op":"add","path":"/n","value":18446744073709551617}');
  assert.deepEqual(others, []);
});

test("a patch does what the vectors say", () => {
  type Vector = { about: string; value: unknown; patch: unknown; result?: unknown; refused?: true };
  const file = "../../rpc-core/tests/patches.json";
  const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];
  assert.ok(vectors.length > 20);
  for (const { about, value, patch, result, refused } of vectors) {
    if (refused) assert.throws(() => patched(value, patch), Error, about);
    else assert.deepEqual(patched(value, patch), result, about);
  }
});
