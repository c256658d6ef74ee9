import pg from "pg";

import { newId, type UserId } from "../src/ids.js";
import { createRepositories, type Repositories } from "../src/repositories.js";
import { SafetyPin } from "../src/safetypin.js";
import { userId } from "./support/actors.js";
import { useTwoOrganizations } from "./support/world.js";

/** One unit of work over people, roles and sessions: what happens when somebody is promoted. */
const STEPS: readonly ((repositories: Repositories, state: { roleId?: string }) => Promise<unknown>)[] = [
  ({ users }) => users.updateOwnProfile({ jobTitle: "Head of nursing" }),
  async ({ permissions }, state) => {
    state.roleId = await permissions.createRole({ name: "Shift lead" });
  },
  ({ permissions }, { roleId }) => permissions.setRolePermissions(roleId as never, ["sessions.read"]),
  ({ permissions }, { roleId }) =>
    permissions.assignRole({ userId: userId("bob") as UserId, roleId: roleId as never }),
  ({ organizations }) => organizations.setMemberRole(userId("bob") as UserId, "admin"),
  ({ sessions }) => sessions.revokeAllOfMember(userId("bob") as UserId),
  ({ sessions }) => sessions.setData({ promoted: "bob" }),
];

/** The ways in which a step may fail. */
const FAILURES: Readonly<Record<string, (repositories: Repositories) => Promise<unknown>>> = {
  "the work throws": () => Promise.reject(new Error("the work threw")),
  "the database refuses": ({ organizations }) => organizations.getMember(newId()),
  "a rule would be broken": ({ organizations }) => organizations.leave(),
};

describe("a unit of work over people, roles and sessions", () => {
  const world = useTwoOrganizations();
  const { db } = world;

  /** Everything the work would change, and the evidence of it. */
  async function everything(): Promise<unknown> {
    const { rows } = await db.admin.query(`
      select
        (select jsonb_agg(to_jsonb(users) order by id) from users) as users,
        (select jsonb_agg(to_jsonb(roles) order by id) from roles) as roles,
        (select jsonb_agg(to_jsonb(role_permissions) order by role_id, permission_id) from role_permissions) as role_permissions,
        (select jsonb_agg(to_jsonb(user_roles)) from user_roles) as user_roles,
        (select jsonb_agg(to_jsonb(organization_users) order by organization_id, user_id) from organization_users) as members,
        (select jsonb_agg(to_jsonb(organizations) order by id) from organizations) as organizations,
        (select jsonb_agg(to_jsonb(sessions) order by id) from sessions) as sessions,
        (select count(*) from auth_audit_logs where event_type <> 'access.denied') as events,
        (select count(*) from data_change_logs) as changes
    `);
    return rows[0];
  }

  /** What a connection in the pool still knows of whoever used it last. */
  async function leftOnConnection(pool: pg.Pool): Promise<unknown> {
    const { rows } = await pool.query(`
      select
        coalesce(current_setting('safetypin.context', true), '') as context,
        coalesce(current_setting('safetypin.ip_address', true), '') as ip_address,
        (select state from pg_stat_activity where pid = pg_backend_pid()) as state,
        (select count(*)::integer from pg_locks where pid = pg_backend_pid() and locktype = 'transactionid') as transactions,
        (select count(*)::integer from pg_cursors) as cursors
    `);
    return rows[0];
  }

  for (const [failure, fail] of Object.entries(FAILURES)) {
    for (let step = 0; step <= STEPS.length; step += 1) {
      it(`leaves nothing when ${failure} after step ${step} of ${STEPS.length}`, async () => {
        const token = await world.token("ann", "acme");
        // Bob's session must be there to be voided.
        await world.token("bob", "acme");
        const pool = new pg.Pool({
          connectionString: db.connectionString("app"),
          max: 1,
        });
        const safetyPin = await SafetyPin.connect({ pool, cell: db.cell, environment: "test", log: () => undefined });
        try {
          const before = await everything();
          await expect(
            safetyPin.withSession(
              token,
              async (tx) => {
                const repositories = createRepositories(tx);
                const state = {};
                for (const work of STEPS.slice(0, step)) await work(repositories, state);
                await fail(repositories);
              },
              { ipAddress: "192.0.2.7" },
            ),
          ).rejects.toThrow();

          expect(await everything()).toEqual(before);
          expect(await leftOnConnection(pool)).toMatchObject({
            context: "",
            ip_address: "",
            state: "active",
            transactions: 0,
            cursors: 0,
          });
        } finally {
          await safetyPin.close();
          await pool.end();
        }
      });
    }
  }

  it("happens altogether when nothing fails", async () => {
    await world.as("ann", "acme", async (repositories) => {
      const state = {};
      for (const work of STEPS) await work(repositories, state);
    });

    await world.as("ann", "acme", async ({ users, permissions, organizations, sessions }) => {
      expect(await users.getSelf()).toMatchObject({ jobTitle: "Head of nursing" });
      expect((await permissions.listMemberRoles(userId("bob") as UserId)).items).toMatchObject([
        { roleName: "Shift lead" },
      ]);
      expect(await organizations.getMember(userId("bob") as UserId)).toMatchObject({ role: "admin" });
      expect(await sessions.getCurrent()).toMatchObject({ sessionData: { promoted: "bob" } });
    });
    await expect(world.as("bob", "acme", ({ users }) => users.getSelf())).rejects.toMatchObject({
      code: "session_invalid",
    });
  });
});
