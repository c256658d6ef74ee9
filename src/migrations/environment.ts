import { ConfigurationError } from "../errors.js";
import type { CellSession } from "./session.js";

/** What a cell is for. Production is what a cell is until somebody says otherwise. */
export const ENVIRONMENTS = ["production", "test", "development"] as const;

/** What a cell is for. */
export type Environment = (typeof ENVIRONMENTS)[number];

/**
 * The word, if it is an environment.
 *
 * @throws {@link ConfigurationError} when it is not.
 */
export function parseEnvironment(word: string): Environment {
  const environment = ENVIRONMENTS.find((known) => known === word);
  if (environment === undefined) {
    throw new ConfigurationError(`"${word}" is no environment`, {
      remedy: `Say ${ENVIRONMENTS.slice(0, -1).join(", ")} or ${ENVIRONMENTS.at(-1) ?? ""}`,
    });
  }
  return environment;
}

/** What the cell says it is for, or `undefined` before the first chapter. */
export async function readEnvironment({
  client,
  cell,
}: CellSession): Promise<Environment | undefined> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    "select to_regclass(quote_ident($1) || '.cell_settings') is not null as found",
    [cell],
  );
  if (tables[0]?.found !== true) return undefined;

  const { rows } = await client.query<{ environment: Environment }>(
    "select environment from cell_settings",
  );
  // A row that cannot be seen is no leave to destroy anything.
  return rows[0]?.environment ?? "production";
}
