import { SafetyPin, SessionToken } from "../../../dist/index.js";
import { compareThroughput } from "../measure.mjs";

const CLIENTS = 8;

/** The one query of the request: a colleague, by id. */
const QUERY = `select organization_users.user_id, users.email, users.first_name, users.last_name,
    organization_users.role
  from organization_users
  join users on users.id = organization_users.user_id
  where organization_users.user_id = $1`;
const QUERY_OF_ORGANIZATION = `${QUERY} and organization_users.organization_id = $2`;
const LOOKUP = `select sessions.id, sessions.user_id, sessions.organization_id, users.status
  from sessions
  join users on users.id = sessions.user_id
  where sessions.token_hash = $1`;

/** One round trip up to the query's answer, and one to commit: as a request goes. */
async function transaction(pool, statements) {
  const client = await pool.connect();
  try {
    await Promise.all([client.query("begin"), ...statements.map((statement) => client.query(statement))]);
    await client.query("commit");
  } finally {
    client.release();
  }
}

const work = {
  /** What any application must do that keeps sessions in a table and organizations apart. */
  application: (pool, { tokenHash, userId, organizationId }) =>
    transaction(pool, [
      { name: "lookup", text: LOOKUP, values: [tokenHash] },
      { name: "query", text: QUERY_OF_ORGANIZATION, values: [userId, organizationId] },
    ]),
  /** Without asking who is there. */
  bare: (pool, { userId, organizationId }) =>
    transaction(pool, [{ name: "query", text: QUERY_OF_ORGANIZATION, values: [userId, organizationId] }]),
  /** The database's part: context and policies, without our client. */
  context: (pool, { token, userId }) =>
    transaction(pool, [
      { name: "context", text: "select begin_request($1)", values: [token] },
      { name: "query", text: QUERY, values: [userId] },
    ]),
};

function row({ name, title, floorTitle, reach, subject, floor }) {
  return {
    name,
    title,
    floorTitle,
    reach,
    async measure(database, { pairs, roundMs }) {
      const bare = database.barePool(CLIENTS, { pipeline: true });
      const sessions = await database.busySessions();
      let turn = 0;
      const next = () => sessions[(turn += 1) % sessions.length];
      const { run, close } = await subject(database);
      try {
        return await compareThroughput({
          clients: CLIENTS,
          pairs,
          roundMs,
          before: () => database.touchSessions(),
          subject: () => run(next()),
          floor: () => floor(bare, next()),
        });
      } finally {
        await close();
      }
    },
  };
}

const throughSql = async (database) => {
  const app = database.appPool(CLIENTS, { pipeline: true });
  return { run: (session) => work.context(app, session), close: async () => undefined };
};

const throughClient = async (database) => {
  const safetypin = await SafetyPin.connect({
    connectionString: database.appUrl,
    environment: "test",
    pool: { max: CLIENTS },
    // As in production. A test's is a second, and then every round would begin by connecting
    // anew, with plans to make anew, which the floor's pool does not.
    limits: { idleTimeoutMs: 60_000 },
  });
  const tokens = new Map();
  const tokenOf = ({ id, token }) => {
    const known = tokens.get(id) ?? SessionToken.parse(database.textOf(token));
    tokens.set(id, known);
    return known;
  };
  return {
    run: (session) =>
      safetypin.withSession(tokenOf(session), (tx) => tx.query(QUERY, [session.userId])),
    close: () => safetypin.close(),
  };
};

/** A whole request: begin, context, one query, commit. */
export const authenticatedRequest = [
  row({
    name: "authenticated-request",
    title: "authenticated request, in SQL",
    floorTitle: "what any application must do",
    reach: 0.85,
    subject: throughSql,
    floor: work.application,
  }),
  row({
    name: "authenticated-request-bare",
    title: "authenticated request, in SQL",
    floorTitle: "begin, query, commit, and no session",
    reach: 0.6,
    subject: throughSql,
    floor: work.bare,
  }),
  row({
    name: "with-session",
    title: "authenticated request, withSession()",
    floorTitle: "what any application must do, without a client",
    reach: 0.85,
    subject: throughClient,
    floor: work.application,
  }),
  row({
    name: "with-session-bare",
    title: "authenticated request, withSession()",
    floorTitle: "begin, query, commit, and no session, without a client",
    reach: 0.6,
    subject: throughClient,
    floor: work.bare,
  }),
];
