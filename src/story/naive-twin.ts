import type { ClientBase } from "pg";

/** Two organizations of the twin, and who owns them. */
export interface TwinOrganization {
  readonly id: string;
  readonly name: string;
  readonly people: readonly {
    readonly firstName: string;
    readonly lastName: string;
    readonly email: string;
  }[];
}

/**
 * A database as it is often built, beside ours and with the same people in it:
 * one login that may read everything, a setting that says who is asking, and a
 * `where organization_id = …` in every query. It is here to be broken into, so
 * that the same attacks on the real one can be believed.
 */
export async function buildNaiveTwin(
  admin: ClientBase,
  login: string,
  organizations: readonly TwinOrganization[],
): Promise<void> {
  await admin.query(`
    drop schema if exists naive_twin cascade;
    create schema naive_twin;
    create table naive_twin.users (
      organization_id uuid not null,
      first_name      text not null,
      last_name       text not null,
      email           text not null,
      password_hash   text not null
    );
    alter table naive_twin.users enable row level security;
    create policy tenant on naive_twin.users
      using (organization_id = nullif(current_setting('twin.organization_id', true), '')::uuid);
    grant usage on schema naive_twin to ${login};
    grant select on naive_twin.users to ${login};
  `);
  for (const { id, people } of organizations) {
    for (const { firstName, lastName, email } of people) {
      await admin.query(
        "insert into naive_twin.users values ($1, $2, $3, $4, '$2a$12$' || repeat('x', 53))",
        [id, firstName, lastName, email],
      );
    }
  }
}
