import { idOf, ORGANIZATIONS, tokenOf } from "../database.mjs";
import { compareThroughput } from "../measure.mjs";

/** Somebody of the first organization who holds fifty of its roles, among the busy sessions. */
const NUMBER = ORGANIZATIONS;
const ORGANIZATION = idOf("organization:1");

const LIST = `select organization_users.user_id, users.email, users.first_name, users.last_name,
    organization_users.role
  from organization_users
  join users on users.id = organization_users.user_id`;
// The length of the page is bound, as the repositories bind it: written out, PostgreSQL
// takes every plan for a better one than the plan it keeps, and plans at each call.
const LIST_UNDER_POLICIES = `${LIST} where organization_users.user_id > $1
  order by organization_users.user_id limit $2`;
const LIST_OF_ORGANIZATION = `${LIST} where organization_users.user_id > $1
    and organization_users.organization_id = $3
  order by organization_users.user_id limit $2`;
const PAGE = 50;
const START = "00000000-0000-0000-0000-000000000000";

/** Two connections inside a transaction each: one with a context, one that needs none. */
async function inTransactions(database, measure) {
  const app = await database.appPool(1).connect();
  const bare = await database.barePool(1).connect();
  try {
    await database.touchSessions();
    for (const client of [app, bare]) await client.query("begin");
    await app.query("select begin_request($1)", [tokenOf(NUMBER)]);
    return await measure(app, bare);
  } finally {
    for (const client of [app, bare]) {
      await client.query("rollback");
      client.release();
    }
  }
}

/** How PostgreSQL would do it: nodes and indexes, without what is asked once a statement. */
async function planOf(client, text, values) {
  const { rows } = await client.query(`explain (format json) ${text}`, values);
  const walk = ({ "Node Type": node, "Index Name": index, Plans: plans = [], "Subplan Name": subplan }) =>
    subplan === undefined
      ? [index === undefined ? node : `${node} on ${index}`, ...plans.flatMap(walk)]
      : [];
  return walk(rows[0]["QUERY PLAN"][0].Plan);
}

/** A page of colleagues, filtered by policies or by hand. */
export const policyList = {
  name: "policy-list",
  title: "list of 50 colleagues, filtered by policies",
  floorTitle: "the same with where organization_id = …",
  reach: 0.9,
  measure: (database, { pairs, roundMs }) =>
    inTransactions(database, async (app, bare) => {
      const subjectPlan = await planOf(app, LIST_UNDER_POLICIES, [START, PAGE]);
      const floorPlan = await planOf(bare, LIST_OF_ORGANIZATION, [START, PAGE, ORGANIZATION]);
      const isSame = subjectPlan.join() === floorPlan.join();
      const result = await compareThroughput({
        pairs,
        roundMs,
        subject: () => app.query({ name: "list", text: LIST_UNDER_POLICIES, values: [START, PAGE] }),
        floor: () => bare.query({ name: "list", text: LIST_OF_ORGANIZATION, values: [START, PAGE, ORGANIZATION] }),
      });
      const note = isSame ? "same plan" : `another plan: ${subjectPlan.join(", ")} for ${floorPlan.join(", ")}`;
      return { ...result, note, subjectPlan, floorPlan };
    }),
};

/** May they? Asked of somebody who holds fifty roles in an organization that has five hundred. */
export const permissionCheck = {
  name: "permission-check",
  title: "permission check, 500 roles, 50 held",
  floorTitle: "prepared lookup",
  reach: 0.7,
  measure: (database, { pairs, roundMs }) =>
    inTransactions(database, (app, bare) => {
      const permissions = ["members.manage", "audit.read", "roles.manage", "sessions.read"];
      const people = Array.from({ length: 1000 }, (_, index) => idOf(`user:${1 + index}`));
      let turn = 0;
      return compareThroughput({
        pairs,
        roundMs,
        subject: () =>
          app.query({
            name: "permission",
            text: "select has_permission($1)",
            values: [permissions[(turn += 1) % permissions.length]],
          }),
        floor: () =>
          bare.query({
            name: "lookup",
            text: "select status from users where id = $1",
            values: [people[(turn += 1) % people.length]],
          }),
      });
    }),
};

/** Looking for somebody by part of a name; what is found has an address, which is opened. */
export const searchUsers = {
  name: "search-users",
  title: "search_users()",
  floorTitle: "the same query by hand, no address in it",
  measure: (database, { pairs, roundMs }) =>
    inTransactions(database, async (app, bare) => {
      await database.unlock(app);
      const { rows } = await bare.query(
        `select lower(users.last_name) as name
         from organization_users
         join users on users.id = organization_users.user_id
         where organization_users.organization_id = $1
         order by users.id
         limit 400`,
        [ORGANIZATION],
      );
      let turn = 0;
      const next = () => rows[(turn += 1) % rows.length].name;
      return compareThroughput({
        pairs,
        roundMs,
        subject: () =>
          app.query({ name: "search", text: "select user_id, email from search_users($1)", values: [next()] }),
        floor: () => {
          const query = next();
          // Unnamed, as the function plans each search anew: the plan depends on what is looked for.
          return bare.query({
            text: `select users.id
              from organization_users
              join users on users.id = organization_users.user_id
              where organization_users.organization_id = $1
                and organization_users.status <> 'invited'
                and (users.search_text like $2 or users.search_words @@ plainto_tsquery('simple', $3))
              order by word_similarity($3, users.search_text) desc, users.last_name, users.id
              limit 20`,
            values: [ORGANIZATION, `%${query}%`, query],
          });
        },
      });
    }),
};
