import type pg from "pg";

import { userId } from "../support/actors.js";
import { useDatabase, type Login } from "../support/database.js";
import { connect } from "../support/template.js";

/** What PostgreSQL says to whoever's backend was ended by an administrator. */
const ADMIN_SHUTDOWN = "57P01";

/** Held by the test: whoever comes to the chosen step waits for it, and is ended there. */
const GATE = 4712;

describe("a job whose backend is ended at every step in turn", () => {
  const database = useDatabase({ template: "pgtap" });

  // Every row that is deleted, every row of evidence and every command that changes
  // the catalog is a step. At the chosen one the job stops.
  beforeAll(async () => {
    await database.admin.query(`
      create sequence tests.steps;
      create table tests.chosen_step (step bigint);
      insert into tests.chosen_step values (0);
      create function tests.step() returns void language plpgsql security definer as $$
      begin
        if nextval('tests.steps') = (select step from tests.chosen_step) then
          perform pg_advisory_xact_lock(${GATE});
        end if;
      end;
      $$;
      create function tests.step_of_row() returns trigger language plpgsql security definer as $$
      begin
        perform tests.step();
        return coalesce(new, old);
      end;
      $$;
      create function tests.step_of_command() returns event_trigger language plpgsql security definer as $$
      begin
        perform tests.step();
      end;
      $$;
      create trigger _999_step before delete on sessions for each row execute function tests.step_of_row();
      create trigger _999_step before delete on password_attempts for each row execute function tests.step_of_row();
      create trigger _999_step before insert on auth_audit_logs for each row execute function tests.step_of_row();
      create trigger _999_step before insert on access_attempt_logs for each row execute function tests.step_of_row();
      create event trigger steps on ddl_command_end execute function tests.step_of_command();
      select tests.person('ann');
    `);
  });

  /**
   * Runs the job and ends its backend at a step.
   *
   * @returns whether there was such a step; without one the job was done.
   */
  async function killAt(step: number, job: string): Promise<boolean> {
    await choose(step);
    const gate = await database.admin.connect();
    const worker = await openWorker("operator");
    try {
      await gate.query("select pg_advisory_lock($1)", [GATE]);
      const { rows } = await worker.query<{ pid: number }>("select pg_backend_pid() as pid");
      const pid = rows[0]?.pid;
      const ended = worker.query(`select ${job}`).then(
        () => "done",
        ({ code }: { code: string }) => code,
      );
      const stopped = await Promise.race([waitsForGate(pid), ended]);
      if (stopped === "done") return false;

      await database.admin.query("select pg_terminate_backend($1, 5000)", [pid]);
      expect(await ended).toBe(ADMIN_SHUTDOWN);
      return true;
    } finally {
      await gate.query("select pg_advisory_unlock_all()");
      gate.release();
      await worker.end();
    }
  }

  async function choose(step: number): Promise<void> {
    await database.admin.query("update tests.chosen_step set step = $1", [step]);
    await database.admin.query("select setval('tests.steps', 1, false)");
  }

  /** A connection of its own, whose end is no surprise. */
  async function openWorker(login: Login): Promise<pg.Client> {
    const worker = await connect(database.connectionString(login));
    await worker.query(`set search_path = ${database.cell}, extensions, pg_temp`);
    return worker;
  }

  async function waitsForGate(pid: number | undefined): Promise<"waits"> {
    for (;;) {
      const { rowCount } = await database.admin.query(
        "select from pg_locks where pid = $1 and locktype = 'advisory' and not granted",
        [pid],
      );
      if (rowCount !== 0) return "waits";
    }
  }

  async function snapshot(sql: string): Promise<unknown> {
    const { rows } = await database.admin.query(sql);
    return rows[0];
  }

  const EVIDENCE = `(select count(*)::integer from auth_audit_logs) as events,
    (select count(*)::integer from access_attempt_logs) as attempts`;

  const JOBS = [
    {
      job: "make_partitions(13)",
      prepare: "select 1",
      state: `select ${EVIDENCE},
        (select array_agg(relname::text order by relname) from pg_class where relkind = 'r' and relname ~ '_\\d{4}_\\d\\d$') as tables,
        (select count(*)::integer from pg_inherits) as attached`,
      done: "count_partitions_ahead() = 13",
      // Ten commands for each of the three logs, and the event.
      steps: 31,
    },
    {
      job: "sweep_sessions(12)",
      prepare: `with old as (
          insert into sessions (
            user_id, token_hash, assurance_level, authentication_methods, creation_time, expiration_time, idle_limit
          )
          select '${userId("ann")}', sha256(int4send(number)), 1, '{password}', now() - interval '90 days',
            now() - interval '60 days', '1 hour'
          from generate_series(1, 12) as number
          returning id
        )
        insert into session_activities (session_id) select id from old`,
      state: `select ${EVIDENCE},
        (select count(*)::integer from sessions) as sessions,
        (select count(*)::integer from session_activities) as activities`,
      done: "not exists (select from sessions) and not exists (select from session_activities)",
      steps: 13,
    },
    {
      job: "sweep_password_attempts(12)",
      prepare: `insert into password_attempts (user_id, account_id, email_digest, nonce, salt, creation_time, expiration_time)
        select '${userId("ann")}', new_id(), sha256(int4send(number)), sha256(int4send(number)), left(tests.password_digest(), 29),
          now() - interval '1 hour', now() - interval '58 minutes'
        from generate_series(1, 12) as number`,
      state: `select ${EVIDENCE}, (select count(*)::integer from password_attempts) as attempts_under_way`,
      done: `not exists (select from password_attempts)
        and 12 = (select count(*) from access_attempt_logs where result = 'abandoned')`,
      steps: 25,
    },
  ] as const;

  it.each(JOBS)("$job is done whole or not at all", async ({ job, prepare, state, done, steps }) => {
    await database.admin.query(prepare);
    const before = await snapshot(state);

    let step = 1;
    for (; await killAt(step, job); step += 1) {
      expect(await snapshot(state)).toEqual(before);
    }

    // The run that came through did what all the others did not.
    expect(step - 1).toBe(steps);
    expect(await snapshot(`select ${done} as done`)).toEqual({ done: true });
    expect(await snapshot(state)).not.toEqual(before);
  }, 60_000);

  it("would be seen half done, if a job committed in between", async () => {
    await database.admin.query(`
      create procedure tests.sweep_carelessly() language plpgsql as $$
      declare
        v_id uuid;
      begin
        for v_id in select id from sessions order by id loop
          delete from sessions where id = v_id;
          commit;
        end loop;
      end;
      $$;
    `);
    await database.admin.query(JOBS[1].prepare);
    const before = await snapshot(JOBS[1].state);
    await choose(5);

    const gate = await database.admin.connect();
    const worker = await openWorker("admin");
    await gate.query("select pg_advisory_lock($1)", [GATE]);
    const { rows } = await worker.query<{ pid: number }>("select pg_backend_pid() as pid");
    const ended = worker.query("call tests.sweep_carelessly()").catch(({ code }: { code: string }) => code);
    await waitsForGate(rows[0]?.pid);
    await database.admin.query("select pg_terminate_backend($1, 5000)", [rows[0]?.pid]);
    await ended;
    await gate.query("select pg_advisory_unlock_all()");
    gate.release();
    await worker.end();

    expect(await snapshot(JOBS[1].state)).not.toEqual(before);
  });
});
