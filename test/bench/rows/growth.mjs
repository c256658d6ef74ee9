import { ORGANIZATIONS, tokenOf } from "../database.mjs";
import { compareThroughput } from "../measure.mjs";

/** How many people, and sessions, there are in the database that the large one is held against. */
const FEW = 10_000;

/*
 * The same work in two databases of one server that differ in nothing but their size:
 * this one, and a small one. A look-up that does not grow is as fast in both.
 */
function row({ name, title, measure }) {
  return {
    name,
    title,
    floorTitle: `the same among ${FEW} people`,
    reach: 0.85,
    isOptional: true,
    async measure(large, effort) {
      const small = await large.beside(FEW);
      const result = await measure(large, small, effort);
      return { ...result, note: `${large.users} people against ${FEW}` };
    },
  };
}

const sessionCheck = row({
  name: "growth-session-check",
  title: "session check by token, 8 clients",
  async measure(large, small, { pairs, roundMs }) {
    const clients = 8;
    const check = async (database) => {
      const pool = database.appPool(clients);
      const sessions = await database.busySessions();
      let turn = 0;
      return () =>
        pool.query({
          name: "check",
          text: "select begin_request($1)",
          values: [sessions[(turn += 1) % sessions.length].token],
        });
    };
    return compareThroughput({
      clients,
      pairs,
      roundMs,
      before: () => Promise.all([large.touchSessions(), small.touchSessions()]),
      subject: await check(large),
      floor: await check(small),
    });
  },
});

/** In a transaction each, of somebody of the first organization. */
const lookup = ({ name, title, text, valuesOf }) =>
  row({
    name,
    title,
    async measure(large, small, { pairs, roundMs }) {
      const clients = [];
      const work = async (database) => {
        const client = await database.appPool(1).connect();
        clients.push(client);
        await database.touchSessions();
        await client.query("begin");
        await client.query("select begin_request($1)", [tokenOf(ORGANIZATIONS)]);
        await database.unlock(client);
        let turn = 0;
        return () => client.query({ name: "growth", text, values: valuesOf(turn += 1) });
      };
      try {
        return await compareThroughput({ pairs, roundMs, subject: await work(large), floor: await work(small) });
      } finally {
        for (const client of clients) {
          await client.query("rollback");
          client.release();
        }
      }
    },
  });

/** What must not grow with what exists. */
export const growth = [
  sessionCheck,
  lookup({
    name: "growth-blind-lookup",
    title: "a colleague by their address",
    text: "select find_user_by_email($1)",
    valuesOf: (turn) => [`user${ORGANIZATIONS * (1 + (turn % (FEW / ORGANIZATIONS)))}@example.com`],
  }),
  lookup({
    name: "growth-list",
    title: "list of 20 colleagues, filtered by policies",
    text: `select organization_users.user_id, users.first_name, users.last_name
      from organization_users
      join users on users.id = organization_users.user_id
      where organization_users.user_id > $1
      order by organization_users.user_id
      limit $2`,
    valuesOf: () => ["00000000-0000-0000-0000-000000000000", 20],
  }),
];
