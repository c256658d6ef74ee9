import type { ClientBase } from "pg";

import { ConfigurationError } from "./errors.js";

/**
 * Refuses a pooler, which gives the session to somebody else between two transactions, and
 * with it what the session holds: a lock, a path, a role.
 *
 * A server announces the process that serves a connection; a pooler makes a number up.
 *
 * @param remedy - What needs one session here, and what else may be done.
 * @throws {@link ConfigurationError}
 */
export async function requireOneSession(client: ClientBase, remedy: string): Promise<void> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const announced = (client as ClientBase & { readonly processID?: number | null }).processID;
  if (typeof announced !== "number" || announced === rows[0]!.pid) return;
  throw new ConfigurationError("A pooler stands between here and the server", {
    remedy: `Connect to the server's own port: ${remedy}`,
  });
}
