import { compareThroughput } from "../measure.mjs";

/** Is this token good, and whose is it? Asked by every request there is. */
export const sessionCheck = {
  name: "session-check",
  title: "session check by token, one statement, 16 clients",
  floorTitle: "prepared lookup joined to the user",
  reach: 0.8,
  async measure(database, { pairs, roundMs }) {
    const clients = 16;
    const app = database.appPool(clients);
    const bare = database.barePool(clients);
    const sessions = await database.busySessions();
    let turn = 0;
    const next = () => sessions[(turn += 1) % sessions.length];

    return compareThroughput({
      clients,
      pairs,
      roundMs,
      before: () => database.touchSessions(),
      subject: () =>
        app.query({ name: "check", text: "select begin_request($1)", values: [next().token] }),
      floor: () =>
        bare.query({
          name: "lookup",
          text: `select sessions.id, sessions.user_id, sessions.organization_id, users.status
                 from sessions
                 join users on users.id = sessions.user_id
                 where sessions.token_hash = $1`,
          values: [next().tokenHash],
        }),
    });
  },
};
