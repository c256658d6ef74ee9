import type { CatalogDifference } from "./catalog.js";

const CONTEXT = 1;

/** A difference for a person: what is missing, extra or not the same, as a small diff. */
export function describeDifference({ object, property, expected, found }: CatalogDifference): string {
  if (property === undefined) {
    return expected === undefined ? `+ ${object}` : `- ${object}`;
  }

  const before = (expected ?? "").split("\n");
  const after = (found ?? "").split("\n");
  if (before.length === 1 && after.length === 1) {
    return [
      `  ${object}, ${property}`,
      ...(expected === undefined ? [] : [`-   ${expected}`]),
      ...(found === undefined ? [] : [`+   ${found}`]),
    ].join("\n");
  }

  const start = before.findIndex((line, place) => line !== after[place]);
  const from = start === -1 ? before.length : start;
  const same = countSameAtEnd(before.slice(from), after.slice(from));
  return [
    `  ${object}, ${property}, line ${String(from + 1)}`,
    ...before.slice(Math.max(0, from - CONTEXT), from).map((line) => `    ${line}`),
    ...before.slice(from, before.length - same).map((line) => `-   ${line}`),
    ...after.slice(from, after.length - same).map((line) => `+   ${line}`),
    ...before.slice(before.length - same).slice(0, CONTEXT).map((line) => `    ${line}`),
  ].join("\n");
}

function countSameAtEnd(before: readonly string[], after: readonly string[]): number {
  let same = 0;
  while (
    same < before.length &&
    same < after.length &&
    before[before.length - 1 - same] === after[after.length - 1 - same]
  ) {
    same += 1;
  }
  return same;
}
