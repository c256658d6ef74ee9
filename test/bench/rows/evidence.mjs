import { idOf } from "../database.mjs";
import { compareDuration, compareThroughput, timed } from "../measure.mjs";

const CLIENTS = 8;
const MANY = 10_000;

/** One event, through the function that says who and where, and by hand. */
export const auditEvent = {
  name: "audit-event",
  title: "audit event, single insert, 8 clients",
  floorTitle: "insert into the same partitioned table",
  reach: 0.85,
  async measure(database, { pairs, roundMs }) {
    const bare = database.barePool(CLIENTS);
    const values = [idOf("user:1"), idOf("organization:1")];
    return compareThroughput({
      clients: CLIENTS,
      pairs,
      roundMs,
      subject: () =>
        bare.query({
          name: "event",
          text: "select _log_event('session.opened', $1, p_organization_id => $2)",
          values,
        }),
      floor: () =>
        bare.query({
          name: "insert",
          text: `insert into auth_audit_logs (event_type, user_id, organization_id, result)
                 values ('session.opened', $1, $2, 'success')`,
          values,
        }),
    });
  },
};

/** A twin of roles that is like it in everything but the record of its changes. */
async function makeTwin(database) {
  const { rows } = await database.admin.query("select to_regclass('bench.roles') is not null as is_there");
  if (rows[0].is_there) return;
  await database.admin.query(`
    create schema bench;
    create table bench.roles (like roles including all);
    create trigger _100_touch_last_update_time before update on bench.roles
      for each row execute function tg__touch_last_update_time();
    insert into roles (id, organization_id, name)
    select md5('many:' || number)::uuid, md5('organization:2')::uuid, 'Many ' || number
    from generate_series(1, ${MANY}) as number;
    insert into bench.roles (id, organization_id, name)
    select id, organization_id, name from roles where organization_id = md5('organization:2')::uuid;
    analyze roles, bench.roles;
  `);
}

/** What recording a change costs the change. */
export const changeTrigger = [
  {
    name: "change-one",
    title: "single-row update, its change recorded",
    floorTitle: "the same update, not recorded",
    reach: 0.45,
    async measure(database, { pairs, roundMs }) {
      await makeTwin(database);
      const bare = database.barePool(1);
      let turn = 0;
      const update = (table) => () =>
        bare.query({
          name: table,
          text: `update ${table} set description = $2 where id = $1`,
          values: [idOf(`many:${1 + ((turn += 1) % MANY)}`), `change ${turn}`],
        });
      return compareThroughput({ pairs, roundMs, subject: update("roles"), floor: update("bench.roles") });
    },
  },
  {
    name: "change-many",
    title: `update of ${MANY} rows, their changes recorded`,
    floorTitle: "the same update, not recorded",
    reach: 0.35,
    async measure(database, { pairs }) {
      await makeTwin(database);
      const bare = await database.barePool(1).connect();
      let turn = 0;
      // Rolled back and swept: the next round finds the tables as this one did.
      const update = (table) => async () => {
        turn += 1;
        await bare.query("begin");
        const duration = await timed(() =>
          bare.query(`update ${table} set description = $2 where organization_id = $1`, [
            idOf("organization:2"), `change ${turn}`,
          ]),
        );
        await bare.query("rollback");
        await bare.query(`vacuum ${table}`);
        return duration;
      };
      try {
        return await compareDuration({ pairs, subject: update("roles"), floor: update("bench.roles") });
      } finally {
        bare.release();
      }
    },
  },
];
