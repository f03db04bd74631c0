/** What has changed between two values, as operations of a JSON Patch. */

import type { Json } from "../json.js";
import { equal, has, isContainer, type Container } from "./json-value.js";

/** An operation of a patch, and its text. @internal */
export interface Edit {
  readonly path: string;
  readonly removes: boolean;
  /** An element of an array comes or goes, and those behind it get other places. */
  readonly shifts: boolean;
  readonly text: string;
}

/**
 * Returns what makes `after` of `before`. What both share was not changed: parts that are the same are not looked at.
 * A member is set by `add`, whether it is there or not, an element by `replace`.
 *
 * @internal
 */
export function diff(before: unknown, after: unknown, json: Json): Edit[] {
  const changes: Edit[] = [];

  const set = (op: "add" | "replace", path: string, value: unknown, shifts = false): void => {
    const written = json.stringify(value) ?? "null";
    const text = `{"op":"${op}","path":${JSON.stringify(path)},"value":${written}}`;
    changes.push({ path, removes: false, shifts, text });
  };
  const remove = (path: string, shifts: boolean): void => {
    const text = `{"op":"remove","path":${JSON.stringify(path)}}`;
    changes.push({ path, removes: true, shifts, text });
  };

  const compare = (before: unknown, after: unknown, path: string, op: "add" | "replace"): void => {
    if (before === after) return;
    const first = changes.length;
    if (Array.isArray(before) && Array.isArray(after)) elements(before, after, path);
    else if (isContainer(before) && isContainer(after) && !Array.isArray(before) && !Array.isArray(after)) {
      members(before, after, path);
    } else return set(op, path, after);
    if (changes.length - first < 2) return;
    // All of it may be shorter than its changes.
    const length = changes.slice(first).reduce((sum, { text }) => sum + text.length, 0);
    const whole = changes.length;
    if (isLonger(after, length)) return;
    set(op, path, after);
    if (changes[whole]!.text.length < length) changes.splice(first, whole - first);
    else changes.pop();
  };

  const members = (before: Container, after: Container, path: string): void => {
    for (const name of Object.keys(before)) if (!has(after, name)) remove(`${path}/${escaped(name)}`, false);
    for (const name of Object.keys(after)) {
      const at = `${path}/${escaped(name)}`;
      if (has(before, name)) compare(before[name], after[name], at, "add");
      else set("add", at, after[name]);
    }
  };

  const elements = (before: readonly unknown[], after: readonly unknown[], path: string): void => {
    const least = Math.min(before.length, after.length);
    let start = 0;
    while (start < least && equal(before[start], after[start])) start++;
    let tail = 0;
    while (tail < least - start && equal(before.at(-1 - tail), after.at(-1 - tail))) tail++;
    const old = before.slice(start, before.length - tail);
    const made = after.slice(start, after.length - tail);
    const at = (index: number): string => `${path}/${start + index}`;
    const insert = (from: number, to: number): void => {
      for (let index = from; index < to; index++) set("add", at(index), made[index], true);
    };
    const removeAt = (index: number, count: number): void => {
      for (let number = 0; number < count; number++) remove(at(index), true);
    };
    const slide = slid(old, made);
    if (slide > 0) {
      // The window has slid forward.
      removeAt(0, slide);
      insert(old.length - slide, made.length);
    } else if (slide < 0) {
      const kept = made.length + slide;
      removeAt(kept, old.length - kept);
      insert(0, -slide);
    } else {
      const both = Math.min(old.length, made.length);
      for (let index = 0; index < both; index++) compare(old[index], made[index], at(index), "replace");
      removeAt(both, old.length - both);
      insert(both, made.length);
    }
  };

  compare(before, after, "", "replace");
  return changes;
}

/**
 * Returns by how many elements a window has slid: forward, so that its first ones are gone; or back, less than 0. It is
 * 0 if most of the window is another one.
 */
function slid(before: readonly unknown[], after: readonly unknown[]): number {
  /** Windows of alike elements might be compared for long. */
  let looks = 4 * (before.length + after.length);
  /** Whether `left` begins with what `right` has behind `by`, as far as both go. */
  const fits = (left: readonly unknown[], right: readonly unknown[], by: number): boolean => {
    for (let at = by; at < right.length; at++) if (looks-- < 0 || !equal(left[at - by], right[at])) return false;
    return true;
  };
  const most = Math.min(before.length, after.length) / 2;
  for (let by = 1; by <= most && looks > 0; by++) {
    if (before.length - by <= after.length && fits(after, before, by)) return by;
    if (after.length - by <= before.length && fits(before, after, by)) return -by;
  }
  return 0;
}

/** Whether the text of a value is certainly longer, without writing it. */
function isLonger(value: unknown, than: number): boolean {
  let left = than;
  const look = (value: unknown): boolean => {
    if (typeof value === "string") left -= value.length + 2;
    else if (!isContainer(value)) left--;
    else if (Array.isArray(value)) return (left -= value.length + 1) < 0 || value.some(look);
    else return Object.keys(value).some((name) => (left -= name.length + 4) < 0 || look(value[name]));
    return left < 0;
  };
  return look(value);
}

/** Returns a name as a step of a JSON Pointer. */
function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
