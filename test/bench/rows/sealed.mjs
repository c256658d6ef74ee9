import { keysForSeeds } from "../../../dist/keys/open-keys.js";
import { activateKey, addKey, unlockCell, unlockKeys } from "../../../dist/keys/new-key.js";
import { maskShare } from "../../../dist/keys/mask.js";
import { ORGANIZATIONS, SEALED_FIELDS, SEALED_ROWS, SHARED_FIELD, idOf, tokenOf } from "../database.mjs";
import { compareDuration, compareThroughput, timed } from "../measure.mjs";

const LIST = 1000;
const START = "00000000-0000-0000-0000-000000000000";

/** As the client reads a list: a page of rows, and all of it opened in one call. */
function listOf(fields) {
  const columns = fields.map(({ column }) => column);
  const values = columns.map((column) => `${column}s`).join(" || ");
  return {
    sealed: `with page as (
        select array_agg(id order by id) as ids,
          ${columns.map((column) => `array_agg(${column} order by id) as ${column}s`).join(", ")}
        from (
          select id, ${columns.join(", ")} from bench_sealed where id > $1 order by id limit ${LIST}
        ) as rows
      )
      select opened.*
      from page
      cross join ${
        fields.length === 1
          ? `unnest(ids, open_fields(${fields[0].id}, ids, ${values})) as opened (id, ${columns[0]})`
          : `lateral (
              select id, ${columns.map((column, at) => `texts[${at + 1}] as ${column}`).join(", ")}
              from open_rows('{${fields.map(({ id }) => id)}}', ids, ${values})
            ) as opened`
      }`,
    plain: `select id, ${columns.join(", ")} from bench_plain where id > $1 order by id limit ${LIST}`,
  };
}

/** Two connections inside a transaction each, the first with a context and unlocked. */
async function unlocked(database, measure) {
  const app = await database.appPool(1).connect();
  const bare = await database.barePool(1).connect();
  try {
    await database.touchSessions();
    for (const client of [app, bare]) await client.query("begin");
    await app.query("select begin_request($1)", [tokenOf(ORGANIZATIONS)]);
    await database.unlock(app);
    return await measure(app, bare);
  } finally {
    for (const client of [app, bare]) {
      await client.query("rollback");
      client.release();
    }
  }
}

function sealedList({ name, title, fields, reach }) {
  const text = listOf(fields);
  return {
    name,
    title: `list of ${LIST} rows, ${title}`,
    floorTitle: "the same, plain",
    reach,
    measure: (database, { pairs, roundMs }) =>
      unlocked(database, (app, bare) =>
        compareThroughput({
          pairs,
          roundMs,
          subject: () => app.query({ name, text: text.sealed, values: [START] }),
          floor: () => bare.query({ name, text: text.plain, values: [START] }),
        }),
      ),
  };
}

const sealedRead = {
  name: "sealed-read",
  title: "one row by its key, one sealed field",
  floorTitle: "the same, plain",
  measure: (database, { pairs, roundMs }) =>
    unlocked(database, (app, bare) => {
      const [{ id, column }] = SEALED_FIELDS;
      let turn = 0;
      const next = () => idOf(`sealed:${1 + ((turn += 1) % SEALED_ROWS)}`);
      return compareThroughput({
        pairs,
        roundMs,
        subject: () =>
          app.query({
            name: "read",
            text: `select id, (open_fields(${id}, array[id], array[${column}]))[1] from bench_sealed where id = $1`,
            values: [next()],
          }),
        floor: () =>
          bare.query({ name: "read", text: `select id, ${column} from bench_plain where id = $1`, values: [next()] }),
      });
    }),
};

/** What a request pays once that reads or writes anything sealed. */
const unlock = {
  name: "unlock",
  title: "a transaction that unlocks one key",
  floorTitle: "one that is given a setting instead",
  async measure(database, { pairs, roundMs }) {
    const app = database.appPool(1, { pipeline: true });
    const bare = database.barePool(1, { pipeline: true });
    const client = await app.connect();
    try {
      const provider = keysForSeeds("test");
      const cellId = await database.cellId();
      const { rows } = await client.query(
        'select key_id as "keyId", provider, key_name as "keyName", wrapped as bytes from list_wrapped_shares()',
      );
      const [{ keyId, keyName, bytes }] = rows;
      const share = await provider.unwrap({ keyName, bytes }, { cellId, organizationId: null, keyId });
      // The pad of the connection, as the client has it where nothing stands between.
      const { rows: [{ pad }] } = await client.query("select hello() as pad");
      const plain = share.toString("hex");
      return await compareThroughput({
        pairs,
        roundMs,
        subject: () =>
          Promise.all([
            client.query("begin"),
            client.query({
              name: "unlock",
              text: "select unlock($1, $2, $3)",
              values: [null, keyId, maskShare(pad, share, null, keyId)],
            }),
            client.query("commit"),
          ]),
        floor: async () => {
          const other = await bare.connect();
          try {
            await Promise.all([
              other.query("begin"),
              other.query({ name: "set", text: "select set_config('bench.share', $1, true)", values: [plain] }),
              other.query("commit"),
            ]);
          } finally {
            other.release();
          }
        },
      });
    } finally {
      client.release();
    }
  },
};

/** A batch of a rotation, rolled back for the next round to do again. */
const reencryption = {
  name: "reencryption",
  title: `${LIST} values sealed anew under another key`,
  floorTitle: "the same rows updated in clear, a batch a statement",
  async measure(database, { pairs }) {
    const bare = database.barePool(2);
    const [sealed, plain] = [await bare.connect(), await bare.connect()];
    const whose = { provider: keysForSeeds("test"), cellId: await database.cellId(), organizationId: null };
    const round = async (client, text) => {
      await client.query("savepoint round");
      const duration = await timed(() => client.query(text));
      await client.query("rollback to savepoint round");
      return duration;
    };
    try {
      for (const client of [sealed, plain]) await client.query("begin");
      // The key is made for this transaction alone: the kept database stays under its first.
      const added = await addKey(sealed, whose);
      await unlockKeys(
        sealed,
        [{ keyId: added.keyId, provider: whose.provider.name, keyName: added.wrapped.keyName, bytes: added.wrapped.bytes }],
        whose,
      );
      await activateKey(sealed, added, whose);
      await unlockCell(sealed, whose);

      const [{ id, column }] = SEALED_FIELDS;
      const result = await compareDuration({
        pairs: pairs * 2,
        subject: () => round(sealed, `select reencrypt_batch(${id}, null, ${LIST})`),
        floor: () =>
          round(
            plain,
            `update bench_plain set ${column} = upper(${column})
             where id = any (array(
               select id from bench_plain order by id limit ${LIST} for no key update skip locked
             ))`,
          ),
      });
      const rate = Math.round((1000 * LIST) / result.subjectMilliseconds);
      return { ...result, note: `${rate} values a second` };
    } finally {
      for (const client of [sealed, plain]) {
        await client.query("rollback");
        client.release();
      }
    }
  },
};

/** Somebody by their address, which stands nowhere in clear. */
const blindLookup = {
  name: "blind-lookup",
  title: "a colleague by their address, by its blind index",
  floorTitle: "the same by the address in clear",
  measure: (database, { pairs, roundMs }) =>
    unlocked(database, (app, bare) => {
      let turn = 0;
      const next = () => `user${ORGANIZATIONS * (1 + ((turn += 1) % 400))}@example.com`;
      return compareThroughput({
        pairs,
        roundMs,
        subject: () => app.query({ name: "find", text: "select find_user_by_email($1)", values: [next()] }),
        floor: () =>
          bare.query({
            name: "find",
            text: `select bench_addresses.user_id
              from bench_addresses
              join organization_users on organization_users.user_id = bench_addresses.user_id
              where bench_addresses.email = $1
                and organization_users.organization_id = $2
                and organization_users.status <> 'invited'`,
            values: [next(), idOf("organization:1")],
          }),
      });
    }),
};

/** What sealing costs, in what is read, found and rotated. */
export const sealed = [
  sealedList({ name: "sealed-list", title: "one sealed field", fields: [SHARED_FIELD], reach: 1 / 6 }),
  sealedList({
    name: "sealed-list-of-people",
    title: "one sealed field, a key per person",
    fields: SEALED_FIELDS.slice(0, 1),
    reach: 1 / 6,
  }),
  sealedList({ name: "sealed-list-three", title: "three sealed fields, a key per person", fields: SEALED_FIELDS, reach: 1 / 20 }),
  sealedRead,
  unlock,
  reencryption,
  blindLookup,
];
