import pg from "pg";

import type { SafetyPin } from "../index.js";
import type { Mailboxes } from "./mailboxes.js";
import { bad, chapter, good, insist, quote, say, table } from "./narrator.js";
import { buildNaiveTwin } from "./naive-twin.js";
import type { Founded } from "./founding.js";
import type { Actor } from "./people.js";
import { CELL } from "./stage.js";

const LOGIN = `${CELL}_app_login`;

/**
 * An attacker holds the application's own credentials, and Zoe's session at Zenith.
 * Everything is tried on a naive twin first, where it works.
 */
export async function tellAttacks(
  safetypin: SafetyPin,
  mailboxes: Mailboxes,
  admin: pg.Client,
  connectionString: string,
  founded: Founded,
): Promise<void> {
  chapter("5. Zenith tries to read Acme's rows");
  const { ann, ben, zoe, acme, zenith } = founded;
  await buildNaiveTwin(admin, LOGIN, [
    { ...acme, people: [ann, ben] },
    { ...zenith, people: [zoe] },
  ]);
  say(`As ${LOGIN}, the application's own role; beside the real tables stands a naive twin with the`);
  say("same people: a tenant id in a setting, and a where clause in every query.");

  const attacker = new pg.Client({ connectionString, application_name: "attacker" });
  await attacker.connect();
  try {
    await attacker.query(`set search_path = ${CELL}, extensions, pg_temp`);
    await plainSql(attacker, acme.id);
    await forgedContext(attacker, founded);
    await noPassword(attacker, ann.email);
    await resetOfAnother(safetypin, attacker, mailboxes, ann.email);
    await injection(safetypin, attacker, founded);
  } finally {
    await attacker.end();
  }
}

/** Asks for the rows. */
async function plainSql(attacker: pg.Client, acmeId: string): Promise<void> {
  say();
  say("By plain SQL:");
  quote(`select first_name from users where id in (select user_id from organization_users where organization_id = '${acmeId}')`);
  const { rows } = await attacker.query(
    "select first_name from users where id in (select user_id from organization_users where organization_id = $1)",
    [acmeId],
  );
  insist(rows.length === 0, "plain SQL reads nothing");
  good("0 rows: nobody is signed in");

  const secret = await failure(attacker, "select digest from password_credentials");
  insist(secret === "42501", "digests are granted to nobody");
  good("password_credentials: permission denied, to everybody there is");
}

/** Says to be somebody. */
async function forgedContext(attacker: pg.Client, { ann, acme }: Founded): Promise<void> {
  say();
  say("By a forged context:");
  quote(`select set_config('twin.organization_id', '${acme.id}', false)`);
  await attacker.query("select set_config('twin.organization_id', $1, false)", [acme.id]);
  const twin = await attacker.query("select first_name, email, left(password_hash, 12) || '…' as hash from naive_twin.users");
  insist(twin.rows.length === 2, "the twin believes whatever it is told");
  bad("the twin believes it:");
  table(["first_name", "email", "password_hash"], twin.rows.map(({ first_name, email, hash }) => [first_name, email, hash]));

  await attacker.query("begin");
  await attacker.query("select set_config('safetypin.context', $1, true)", [
    `${ann.userId}|${ann.userId}|${acme.id}|${ann.userId}|3#${"0".repeat(64)}`,
  ]);
  const real = await attacker.query("select (select current_user_id()) as caller, count(*)::int as people from users");
  await attacker.query("rollback");
  insist(real.rows[0]?.caller === null && real.rows[0]?.people === 0, "a forged context is nobody");
  good("SafetyPin: the signature is not ours, so the caller is null and sees 0 people");
}

/** Signs in with the database's own functions, and no password. */
async function noPassword(attacker: pg.Client, email: string): Promise<void> {
  say();
  say("By signing in with the database's own functions and no password:");
  quote("select … from begin_password_check(…); select submit_password_proof(…); select … from finish_password_check(…)");
  const begun = await failure(attacker, "select attempt_id, salt from begin_password_check($1)", [email]);
  insist(begun === "SP522", "without the cell's key nobody is looked for");
  good("Ann is found by her sealed address, and he has no key to it: the key is not unlocked");
  const { rows: [finished] } = await attacker.query(
    "select status, session_id from finish_password_check(new_id(), sha256('a token of mine'))",
  );
  insist(finished?.status === "invalid" && finished.session_id === null, "no password, no session");
  good("An attempt of his own invention: invalid");

  const direct = await failure(
    attacker,
    "select _open_session($1, null, sha256('x'), null, 1::smallint, '{password}', false, null, null, null)",
    ["00000000-0000-0000-0000-000000000000"],
  );
  insist(direct === "42501", "the function that opens sessions is not his to call");
  good("The function that opens sessions: permission denied");
}

/** Asks for somebody else's reset, as the application does for whoever forgot their password. */
async function resetOfAnother(safetypin: SafetyPin, attacker: pg.Client, mailboxes: Mailboxes, email: string): Promise<void> {
  say();
  say("By resetting Ann's password, for which the application only has to ask:");
  quote(`insert into naive_twin.password_resets values ('${email}', sha256('mine')); select naive_twin.reset_password('mine', '…')`);
  await attacker.query("insert into naive_twin.password_resets values ($1, sha256('mine'))", [email]);
  const twin = await attacker.query("select naive_twin.reset_password('mine', '$2a$12$' || repeat('m', 53)) as whose");
  insist(twin.rows[0]?.whose === email, "the twin's application makes the tokens");
  bad("the twin's application makes the token and keeps its digest: Ann's password is his now");

  quote(`select request_password_reset('${email}')`);
  const asked = await failure(attacker, "select request_password_reset($1)", [email]);
  insist(asked === "SP522", "without the cell's key nobody is asked for");
  good("SafetyPin: with the application's login and without its keys he cannot even ask");
  await safetypin.requestPasswordReset(email);
  good("The application asks for him, and is told nothing. There is no token until a mailer takes the message");
  for (const [sql, what] of [
    ["select id from messages", "The messages"],
    ["select token from take_messages()", "The function that gives them to the mailer"],
    ["insert into one_time_tokens (token_hash) values (sha256('mine'))", "A token of his own among ours"],
    ["set role safetypin_mailer", "The mailer's role"],
  ] as const) {
    insist((await failure(attacker, sql)) === "42501", `${sql} is refused`);
    good(`${what}: permission denied`);
  }
  const { token } = await mailboxes.read(email);
  insist(token !== null, "Ann is sent the token");
  good(`Ann was sent it: ${String(token)}. Whoever did not ask for one need not do anything`);
}

/** A search that pastes what was typed into its SQL, as no search should. */
const vulnerableSearch = (table: string, typed: string) =>
  `select first_name, last_name from ${table} where last_name = '${typed}'`;

/** Types SQL into a search box: enough of it to become somebody else inside one SELECT. */
async function injection(
  safetypin: SafetyPin,
  attacker: pg.Client,
  { ann, zoe, acme, zenith }: Founded,
): Promise<void> {
  say();
  say("By an injection, as Zoe, through a search that pastes what was typed into its SQL:");
  const typed = `' union all select first_name, password_hash from naive_twin.users where (select set_config('twin.organization_id', '${acme.id}', false)) is not null --`;
  quote(vulnerableSearch("naive_twin.users", typed));
  await attacker.query("select set_config('twin.organization_id', $1, false)", [zenith.id]);
  const leaked = await attacker.query(vulnerableSearch("naive_twin.users", typed));
  insist(leaked.rows.length === 2, "the twin leaks through the injection");
  bad(`the twin gives away ${leaked.rows.length} people of ${acme.name}, and their password hashes`);

  const forged = `${acme.id}|${ann.userId}|${acme.id}|${ann.userId}|3#${"0".repeat(64)}`;
  const same = `' union all select first_name, last_name from users where (select set_config('safetypin.context', '${forged}', true)) is not null --`;
  quote(vulnerableSearch("users", same));
  const inside = await search(safetypin, zoe, same);
  insist(!inside.some(({ last_name }) => last_name === ann.lastName), "the injection reaches nobody of Acme");
  good(`SafetyPin: ${inside.length} rows. The injection ran, and made Zoe nobody`);

  const everything = await search(safetypin, zoe, "' or true --");
  insist(everything.length === 1 && everything[0]?.last_name === zoe.lastName, "the injection stays in Zenith");
  good(`“' or true --” gives ${everything.length} row, Zoe herself: all that she may see`);

  const digests = await search(safetypin, zoe, "' union all select user_id::text, encode(digest, 'hex') from password_credentials --").then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  insist(digests !== undefined, "digests cannot be reached by injection either");
  good(`“' union all select user_id::text, encode(digest, 'hex') from password_credentials --” → ${digests.message}`);
}

async function search(
  safetypin: SafetyPin,
  { sessionToken }: Actor,
  typed: string,
): Promise<{ first_name: string; last_name: string }[]> {
  return safetypin.withSession(sessionToken, async (tx) => {
    const { rows } = await tx.query(vulnerableSearch("users", typed));
    return rows as { first_name: string; last_name: string }[];
  });
}

/** The SQLSTATE a statement fails with; `undefined` when it does not. */
async function failure(client: pg.Client, sql: string, values: unknown[] = []): Promise<string | undefined> {
  return client.query(sql, values).then(
    () => undefined,
    (error: unknown) => (error instanceof pg.DatabaseError ? error.code : String(error)),
  );
}
