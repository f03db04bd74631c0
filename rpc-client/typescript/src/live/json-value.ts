/** Values of JSON. They do not change once they are known, so a value shares parts with the one before. */

/** An object or an array. */
export type Container = { [member: string]: unknown };

export function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

/** Whether a container has this member or this element. Names that objects inherit are none. */
export function has(container: unknown, name: string): container is Container {
  if (Array.isArray(container)) return isIndex(name) && Number(name) < container.length;
  return isContainer(container) && Object.hasOwn(container, name);
}

/** Whether a name is an index of an array, as a JSON Pointer writes it. */
export function isIndex(name: string): boolean {
  return /^(0|[1-9]\d*)$/.test(name);
}

/** Sets a member or an element; `__proto__` is a name like any other. */
export function put(container: Container, name: string, value: unknown): void {
  if (name !== "__proto__") container[name] = value;
  else Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true });
}

export function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (!isContainer(left) || !isContainer(right) || Array.isArray(left) !== Array.isArray(right)) return false;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => has(right, name) && equal(left[name], right[name]))
  );
}

/**
 * Returns a value that equals `value`, and is the same as `before` wherever the two are equal. `value` belongs to the
 * caller, and may be changed.
 */
export function shared(before: unknown, value: unknown): unknown {
  if (!isContainer(before) || !isContainer(value) || Array.isArray(before) !== Array.isArray(value)) return value;
  const names = Object.keys(value);
  let isSame = names.length === Object.keys(before).length;
  for (const name of names) {
    const part = has(before, name) ? shared(before[name], value[name]) : value[name];
    if (part !== value[name]) put(value, name, part);
    isSame &&= has(before, name) && before[name] === part;
  }
  return isSame ? before : value;
}
