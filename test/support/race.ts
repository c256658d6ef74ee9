import type pg from "pg";

/** What became of one who took part in a race. */
export type Outcome<Result> =
  | { readonly value: Result; readonly code?: undefined; readonly constraint?: undefined }
  | {
      readonly value?: undefined;
      /** The SQLSTATE of what PostgreSQL refused it with. */
      readonly code: string;
      readonly constraint: string | undefined;
    };

/** How a race is run. */
export interface RaceOptions {
  /** @defaultValue `read committed` */
  readonly isolation?: "read committed" | "repeatable read" | undefined;

  /** What each does at the start of its transaction, before anybody goes on. */
  readonly prepare?: ((client: pg.ClientBase, index: number) => Promise<unknown>) | undefined;
}

/**
 * Lets several connections do one thing each at once, every one in a transaction
 * of its own: all of them have begun and are prepared before the first goes on.
 * A refusal is an outcome; anything that PostgreSQL did not say is thrown.
 */
export async function race<Result>(
  pool: pg.Pool,
  contenders: number,
  work: (client: pg.ClientBase, index: number) => Promise<Result>,
  { isolation = "read committed", prepare }: RaceOptions = {},
): Promise<Outcome<Result>[]> {
  const clients = await Promise.all(Array.from({ length: contenders }, () => pool.connect()));
  try {
    const ready = await Promise.all(
      clients.map(async (client, index) => {
        await client.query(`begin isolation level ${isolation}`);
        return attempt(client, async () => prepare?.(client, index));
      }),
    );
    return await Promise.all(
      clients.map(async (client, index): Promise<Outcome<Result>> => {
        const prepared = ready[index];
        if (prepared?.code !== undefined) return prepared;
        return attempt(client, async () => {
          const value = await work(client, index);
          await client.query("commit");
          return value;
        });
      }),
    );
  } finally {
    for (const client of clients) client.release();
  }
}

async function attempt<Result>(
  client: pg.ClientBase,
  work: () => Promise<Result>,
): Promise<Outcome<Result>> {
  try {
    return { value: await work() };
  } catch (error) {
    await client.query("rollback");
    const { code, constraint } = error as pg.DatabaseError;
    if (code === undefined) throw error;
    return { code, constraint };
  }
}

/** The values of those who were not refused. */
export function winners<Result>(outcomes: readonly Outcome<Result>[]): Result[] {
  return outcomes.flatMap((outcome) => (outcome.code === undefined ? [outcome.value] : []));
}

/** Why the others were refused, in alphabetical order. */
export function refusals(outcomes: readonly Outcome<unknown>[]): string[] {
  return outcomes.flatMap(({ code, constraint }) => code === undefined ? [] : [constraint ?? code]).sort();
}

/**
 * Breaks a rule on purpose, in the test's own database: the function's text with
 * one part replaced. A race that a broken rule does not lose proves nothing.
 *
 * @returns what puts the rule back.
 */
export async function sabotage(
  admin: pg.Pool,
  functionName: string,
  guard: string | RegExp,
  replacement: string,
): Promise<() => Promise<void>> {
  const { rows } = await admin.query<{ definition: string }>(
    "select pg_get_functiondef($1::regproc) as definition",
    [functionName],
  );
  const definition = rows[0]?.definition ?? "";
  const broken = definition.replace(guard, replacement);
  if (broken === definition) throw new Error(`${functionName}() has no such guard: ${String(guard)}`);
  await admin.query(broken);
  return async () => {
    await admin.query(definition);
  };
}
