/** Values of JSON, and changes of them, at random. */

type Random = (most: number) => number;

const NAMES = ["a", "b", "rows", "a/b", "m~n", "~1", "", "toString", "é😀", "0", "-", "length"];

export function randomValue(random: Random, depth: number): unknown {
  switch (random(depth > 0 ? 9 : 5)) {
    case 0:
      return null;
    case 1:
      return random(2) === 0;
    case 2:
      return NAMES[random(NAMES.length)]!.repeat(random(4));
    case 3:
      return random(1_000) / 8 - 50;
    case 4:
      return random(5);
    case 5:
    case 6:
      return Array.from({ length: random(6) }, () => randomValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random(6) }, () => [NAMES[random(NAMES.length)], randomValue(random, depth - 1)]),
      );
  }
}

/** Returns a copy of a value in which one thing is otherwise. */
export function randomChange(random: Random, value: any): any {
  const copy = structuredClone(value);
  const containers: any[] = [];
  const look = (part: any): void => {
    if (typeof part !== "object" || part === null) return;
    containers.push(part);
    Object.values(part).forEach(look);
  };
  look(copy);
  if (containers.length === 0 || random(30) === 0) return randomValue(random, 4);
  const container = containers[random(containers.length)];
  const name = NAMES[random(NAMES.length)]!;
  if (!Array.isArray(container)) {
    const names = Object.keys(container);
    if (random(3) === 0 && names.length > 0) delete container[names[random(names.length)]!];
    else container[random(2) === 0 && names.length > 0 ? names[random(names.length)]! : name] = randomValue(random, 2);
    return copy;
  }
  const at = random(container.length + 1);
  const some = Array.from({ length: 1 + random(3) }, () => randomValue(random, 2));
  switch (random(6)) {
    case 0: // a window slides forward
      container.splice(0, some.length);
      container.push(...some);
      break;
    case 1: // or back
      container.unshift(...some);
      container.splice(-some.length);
      break;
    case 2:
      container.splice(at, random(3));
      break;
    case 3:
      container.splice(at, 0, ...some);
      break;
    case 4:
      container.push(...some);
      break;
    default:
      container.splice(at, 1, some[0]);
  }
  return copy;
}
