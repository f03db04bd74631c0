/** The latest changes of a value, for takers that are not far behind. */

import type { Edit } from "./diff.js";

/** The latest changes, each at its place: they are counted from the first one that ever was. @internal */
export class Log {
  #changes: Edit[] = [];
  #length = 0;
  /** The place behind the last change. */
  end = 0;

  /** Takes what has changed; keeps no more text than `most`. */
  push(changes: readonly Edit[], most: number): void {
    for (const change of changes) {
      this.#changes.push(change);
      this.#length += change.text.length;
    }
    this.end += changes.length;
    let gone = 0;
    while (this.#length > most) this.#length -= this.#changes[gone++]!.text.length;
    this.#changes.splice(0, gone);
  }

  /** Returns the changes from a place on; nothing if the log does not go back so far. */
  since(place: number): readonly Edit[] | undefined {
    const back = this.end - place;
    return back > this.#changes.length ? undefined : this.#changes.slice(this.#changes.length - back);
  }
}

/**
 * Returns the changes without those that later ones make void: those of what is set as a whole later on, and those
 * within what is removed.
 *
 * @internal
 */
export function merged(changes: readonly Edit[]): Edit[] {
  /** Paths that later changes set or remove, and whether a change of the very place is void too. */
  const later = new Map<string, boolean>();
  const isVoid = ({ path, shifts }: Edit): boolean => {
    for (let end = path.lastIndexOf("/"); end >= 0; end = path.lastIndexOf("/", end - 1)) {
      if (later.has(path.slice(0, end))) return true;
      if (end === 0) break;
    }
    // An element that has come or gone has moved others, whatever became of its place.
    return !shifts && later.get(path) === true;
  };
  const kept = [...changes].reverse().filter((change) => {
    if (isVoid(change)) return false;
    const { path, removes, shifts } = change;
    if (shifts) {
      // Before, the elements of this array had other places.
      const array = path.slice(0, path.lastIndexOf("/") + 1);
      for (const path of later.keys()) if (path.startsWith(array)) later.delete(path);
    }
    if (removes || !shifts) later.set(path, !removes);
    return true;
  });
  return kept.reverse();
}
