import type { ClientBase } from "pg";

/** Does the work in a transaction of its own: all of it, or none. */
export async function inTransaction<Result>(client: ClientBase, work: () => Promise<Result>): Promise<Result> {
  await client.query("begin");
  try {
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    // A connection that is gone has rolled back already.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** Does the work and undoes it: what it answers, or is refused for, is what doing it would be. */
export async function tryInTransaction<Result>(client: ClientBase, work: () => Promise<Result>): Promise<Result> {
  await client.query("begin");
  try {
    return await work();
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
}
