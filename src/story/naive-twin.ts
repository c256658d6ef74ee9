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
 * one login that may read everything, a setting that says who is asking, a
 * `where organization_id = …` in every query, and an application that makes the tokens
 * by which passwords are reset. It is here to be broken into, so
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
    create table naive_twin.password_resets (email text not null, token_digest bytea not null);
    create function naive_twin.reset_password(p_token text, p_password_hash text) returns text
      language sql security definer set search_path = naive_twin, pg_temp
    as $$
      update users set password_hash = p_password_hash
      where email = (select email from password_resets where token_digest = sha256(p_token::bytea))
      returning email
    $$;
    grant usage on schema naive_twin to ${login};
    grant select on naive_twin.users to ${login};
    grant insert on naive_twin.password_resets to ${login};
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
