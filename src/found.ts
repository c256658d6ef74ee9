import { NotFoundError } from "./errors.js";

/**
 * What was asked for, where it must be there.
 *
 * @throws {@link NotFoundError} `<what>_not_found` when it is `null`.
 */
export function found<Item>(item: Item | null, what: string, name: string): Item {
  if (item === null) {
    throw new NotFoundError(
      `${what.replaceAll(" ", "_")}_not_found`,
      `there is no ${what} ${JSON.stringify(name.slice(0, 200))}, or it is not the caller's to see`,
      { remedy: `Pass the id of a ${what} that a list shows` },
    );
  }
  return item;
}

/** The one row of a query that may find none. */
export function firstOrNull<Row, Item>(rows: readonly Row[], item: (row: Row) => Item): Item | null {
  const [row] = rows;
  return row === undefined ? null : item(row);
}
