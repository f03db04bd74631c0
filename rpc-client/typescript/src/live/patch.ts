/** JSON Patch (RFC 6902) on a value that a taker keeps, within bounds that no publisher can exceed. */

import { equal, has, isContainer, isIndex, put, shared, type Container } from "./json-value.js";

/** An operation of a JSON Patch. Its paths are JSON Pointers (RFC 6901). */
export interface Operation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  /** Where `move` and `copy` take the value. */
  readonly from?: string | undefined;
  /** What `add` and `replace` set, and what `test` finds. */
  readonly value?: unknown;
}

/** How deep a value may nest. */
const DEPTH = 128;

/** So many elements are moved in the time that it takes to read one character. */
const MOVED_AT_ONCE = 64;

/** A value of JSON that is patched. What a patch does not change keeps its identity. @internal */
export class Document {
  /** The value is the only member, under the first step of each path: so it is set like any other. */
  #root: Container = {};
  #size = 0;
  /** The longest text of the value. */
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get value(): unknown {
    return this.#root[""];
  }

  /** Sets the whole value, which is the document's from then on. */
  set(value: unknown): void {
    this.patch([{ op: this.#size ? "replace" : "add", path: "", value }]);
  }

  /** Applies a patch as a whole, or throws what is wrong with it. */
  patch(operations: unknown): void {
    const draft = new Draft(this.#root, this.#size, this.#limit);
    for (const operation of operations as Operation[]) draft.apply(operation);
    this.#root = draft.root;
    this.#size = draft.size;
  }
}

/** A document while a patch is applied. */
class Draft {
  readonly root: Container;
  size: number;
  readonly #limit: number;
  /** Containers that were made for this patch, and are in one place: they may be changed. */
  #own = new Set<unknown>();
  /** How much a patch may cause beyond what its own text is: to be copied, moved and compared. */
  #work: number;

  constructor(root: Container, size: number, limit: number) {
    this.root = { ...root };
    this.size = size;
    this.#limit = this.#work = limit;
  }

  apply(operation: Operation): void {
    const path = steps(operation.path);
    const { op } = operation;
    if (op === "add" || op === "replace") {
      if (op === "replace") this.#read(path);
      this.#add(path, given(operation), op === "add", true);
    } else if (op === "remove") this.#remove(path);
    else if (op === "test") {
      const value = given(operation);
      this.#spend(measure(value, DEPTH));
      if (!equal(this.#read(path), value)) throw new Error(`\`test\` fails at \`${operation.path}\``);
    } else if (op === "move" || op === "copy") {
      const from = steps(operation.from);
      const value = this.#read(from);
      this.#spend(measure(value, DEPTH));
      if (op === "copy") {
        this.#own.clear(); // what is in two places is not changed in one of them
        this.#add(path, value, true);
      } else if (operation.path !== operation.from) {
        if (operation.path.startsWith(`${operation.from}/`)) throw new Error("a value is moved into itself");
        this.#remove(from);
        this.#add(path, value, true);
      }
    } else throw new Error("no such operation");
    if (this.size > this.#limit) throw new RangeError("the value is too long");
  }

  #spend(work: number): void {
    if ((this.#work -= work) < 0) throw new RangeError("a patch does too much");
  }

  #read(path: readonly string[]): unknown {
    return path.reduce<unknown>(child, this.root);
  }

  /** Returns the container in which a path ends, to be changed. */
  #open(path: readonly string[]): Container {
    return path.slice(0, -1).reduce((container, name) => {
      let part = child(container, name);
      if (!this.#own.has(part)) put(container, name, (part = this.#copy(part)));
      return part as Container;
    }, this.root);
  }

  #copy(value: unknown): unknown {
    if (!isContainer(value)) throw new Error("a path leads into a value that has no parts");
    const copy = Array.isArray(value) ? value.slice() : { ...value };
    this.#spend(Array.isArray(value) ? value.length / MOVED_AT_ONCE : Object.keys(value).length);
    this.#own.add(copy);
    return copy;
  }

  /**
   * Sets what a path names; in an array, an element comes in between if it `inserts`. A value that `isNew` is nowhere
   * else.
   */
  #add(path: readonly string[], value: unknown, inserts: boolean, isNew = false): void {
    const container = this.#open(path);
    const name = path.at(-1)!;
    const size = measure(value, DEPTH + 1 - path.length);
    if (Array.isArray(container) && inserts) {
      const at = name === "-" ? container.length : Number(name);
      if (!(name === "-" || isIndex(name)) || at > container.length)
        throw new Error(`no place \`${name}\` in an array`);
      this.#spend((container.length - at) / MOVED_AT_ONCE);
      container.splice(at, 0, value);
      this.size += size + 1;
    } else if (has(container, name)) {
      this.size += size - measure(container[name], DEPTH);
      put(container, name, isNew ? shared(container[name], value) : value);
    } else {
      put(container, name, value);
      this.size += size + name.length + 4;
    }
  }

  #remove(path: readonly string[]): void {
    if (path.length < 2) throw new Error("the whole value cannot be removed");
    const container = this.#open(path);
    const name = path.at(-1)!;
    this.size -= measure(child(container, name), DEPTH) + 1;
    if (Array.isArray(container)) {
      this.#spend((container.length - Number(name)) / MOVED_AT_ONCE);
      container.splice(Number(name), 1);
    } else {
      this.size -= name.length + 3;
      delete container[name];
    }
  }
}

/** Returns the steps of a JSON Pointer; the first one leads to the whole value. */
function steps(pointer: unknown): string[] {
  const isPointer = typeof pointer === "string" && /^(\/|$)/.test(pointer) && !/~(?![01])/.test(pointer);
  if (!isPointer) throw new Error("no JSON Pointer");
  const found = pointer.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (found.length > DEPTH + 1) throw new RangeError("a path is too deep");
  return found;
}

function child(container: unknown, name: string): unknown {
  if (!has(container, name)) throw new Error(`nothing at \`${name}\``);
  return container[name];
}

/** Returns the value of an operation, which must have one. */
function given(operation: object): unknown {
  if (!Object.hasOwn(operation, "value")) throw new Error("an operation without a value");
  return (operation as { value: unknown }).value;
}

/** Returns about how long the text of a value is. Throws if the value nests deeper than `depth`. */
function measure(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length + 2;
  if (!isContainer(value)) return ArrayBuffer.isView(value) ? value.byteLength * 2 : String(value).length;
  if (depth === 0) throw new RangeError("a value nests too deep");
  let size = 2;
  if (Array.isArray(value)) for (const part of value as unknown[]) size += measure(part, depth - 1) + 1;
  else for (const name of Object.keys(value)) size += measure(value[name], depth - 1) + name.length + 4;
  return size;
}
