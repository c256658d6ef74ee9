import { createHash, randomBytes } from "node:crypto";

import { BUSY_SESSIONS, idOf } from "../database.mjs";
import { compareThroughput } from "../measure.mjs";

const CLIENTS = 8;

/** Exchanging a refresh token, one family per client. */
export const refresh = {
  name: "refresh",
  title: "refresh rotation, 8 clients",
  floorTitle: "indexed single-row update",
  reach: 0.6,
  async measure(database, { pairs, roundMs }) {
    const app = database.appPool(CLIENTS);
    const bare = database.barePool(CLIENTS);
    const tokens = Array.from({ length: CLIENTS }, () => randomBytes(32));
    const sessions = tokens.map((_, client) => idOf(`session:${BUSY_SESSIONS + 1 + client}`));

    await database.admin.query("delete from refresh_tokens");
    for (const [client, token] of tokens.entries()) {
      await database.admin.query(
        `insert into refresh_tokens (session_id, user_id, family_id, token_hash, expiration_time)
         select id, user_id, new_id(), $2, expiration_time from sessions where id = $1`,
        [sessions[client], createHash("sha256").update(token).digest()],
      );
    }

    return compareThroughput({
      clients: CLIENTS,
      pairs,
      roundMs,
      subject: async (client) => {
        const { rows } = await app.query({
          name: "refresh",
          text: "select status, refresh_token from refresh_session($1)",
          values: [tokens[client]],
        });
        if (rows[0].status !== "refreshed") throw new Error(`the refresh token was ${rows[0].status}`);
        tokens[client] = rows[0].refresh_token;
      },
      floor: (client) =>
        bare.query({
          name: "update",
          text: "update session_activities set last_activity_time = now() where session_id = $1",
          values: [sessions[client]],
        }),
    });
  },
};
