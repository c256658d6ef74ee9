/** A heading, with room around it. */
export function heading(text: string, level: 2 | 3 = 2): string {
  return `${"#".repeat(level)} ${text}\n`;
}

/** A table, one line per row. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `|${cells.map((cell) => (cell === "" ? " " : ` ${escape(cell)} `)).join("|")}|`;
  return `${[line(titles), `|${"---|".repeat(titles.length)}`, ...rows.map(line)].join("\n")}\n`;
}

/** A bar would begin a cell, and `<cell>` would be taken for a tag. */
const escape = (cell: string) =>
  cell.replaceAll("|", "\\|").replaceAll(/<(?=\w)/g, cell.startsWith("`") ? "<" : "&lt;");

/** Rows by what they have in common, in the order in which it first appears. */
export function groupBy<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}
