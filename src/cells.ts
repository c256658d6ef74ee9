import type { Cell } from "./cell.js";
import type { EmailAddress } from "./email.js";
import { AuthenticationError, ConfigurationError } from "./errors.js";
import type { Token } from "./tokens.js";

/** Says in which cell somebody lives, before a token says so. */
export type ResolveCell = (who: {
  readonly email: EmailAddress;
}) => string | undefined | Promise<string | undefined>;

/** The cells one client serves. */
export interface Cells {
  readonly all: readonly Cell[];

  /**
   * The cell a token is good in, by its tag.
   *
   * @throws {@link AuthenticationError} `token_malformed` when it is of a cell we do not serve.
   */
  ofToken(token: Token): Cell;

  /**
   * The cell of whoever has this address, as `resolveCell` says; the only cell there is,
   * or the default one, when it says nothing.
   *
   * @throws {@link ConfigurationError} when it names a cell we do not serve.
   */
  ofEmail(email: EmailAddress): Promise<Cell>;
}

/**
 * Routes to cells.
 *
 * @throws {@link ConfigurationError} when two cells' tokens would look alike.
 */
export function createCells(
  cells: readonly Cell[],
  resolveCell: ResolveCell | undefined,
): Cells {
  const [first] = cells;
  if (first === undefined) throw new ConfigurationError("There is no cell to serve");

  const byTag = new Map<string, Cell>();
  for (const cell of cells) {
    const other = byTag.get(cell.tag);
    if (other !== undefined) {
      throw new ConfigurationError(`The tokens of cells "${other.name}" and "${cell.name}" would look alike`, {
        remedy: "Serve them from two clients, or rename one",
      });
    }
    byTag.set(cell.tag, cell);
  }

  return {
    all: cells,
    ofToken(token) {
      const cell = byTag.get(token.cellTag);
      if (cell === undefined) {
        throw new AuthenticationError("token_malformed", "The token is of a cell that is not served here", {
          remedy: `Sign in again, or add its cell to those served: ${namesOf(cells)}`,
        });
      }
      return cell;
    },
    async ofEmail(email) {
      const name = await resolveCell?.({ email });
      if (name === undefined) return first;

      const cell = cells.find((one) => one.name === name);
      if (cell === undefined) {
        throw new ConfigurationError(`resolveCell names the cell "${name}", which is not served here`, {
          remedy: `Add it to those served: ${namesOf(cells)}`,
        });
      }
      return cell;
    },
  };
}

function namesOf(cells: readonly Cell[]): string {
  return cells.map(({ name }) => name).join(", ");
}
