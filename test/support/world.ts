import type { OrganizationId, UserId } from "../../src/ids.js";
import { createRepositories } from "../../src/repositories.js";
import { SafetyPin } from "../../src/safetypin.js";
import { SessionToken, tagOf } from "../../src/tokens.js";
import type { Transaction } from "../../src/transaction.js";
import type { RepositoryWorld } from "../contract/repository-contract.js";
import { openSessions, organizationId, sessionToken, userId } from "./actors.js";
import { useDatabase, type TestDatabase } from "./database.js";

/** People and organizations in a database of one's own, and the client to act as any of them. */
export interface World extends RepositoryWorld {
  readonly db: TestDatabase;

  /** The client, connected as the application's login. */
  readonly safetyPin: SafetyPin;

  /** The session token of a person, in an organization or in none. */
  token(name: string, organization?: string): Promise<SessionToken>;

  /** As `as`, with the transaction itself. */
  withTransaction<Result>(
    name: string,
    organization: string | undefined,
    work: (tx: Transaction) => Promise<Result>,
  ): Promise<Result>;
}

/** A world for the tests of one file. What it returns is to be used inside tests and hooks only. */
export function useWorld(): World {
  const db = useDatabase({ template: "pgtap" });
  let safetyPin: SafetyPin | undefined;
  const opened = new Set<string>();

  beforeAll(async () => {
    safetyPin = await SafetyPin.connect({
      connectionString: db.connectionString("app"),
      cell: db.cell,
      environment: "test",
      log: () => undefined,
    });
  });
  afterAll(() => safetyPin?.close());

  const world: World = {
    db,
    get safetyPin() {
      return safetyPin!;
    },

    async person(name) {
      await db.admin.query("select tests.person($1)", [name]);
      return userId(name) as UserId;
    },

    async organization(name, owner) {
      await db.admin.query("select tests.organization($1, $2)", [name, owner]);
      return organizationId(name) as OrganizationId;
    },

    async member(organization, name, role = "member") {
      await db.admin.query("select tests.member($1, $2, $3)", [organization, name, role]);
    },

    async token(name, organization) {
      const key = `${name} ${organization ?? ""}`;
      if (!opened.has(key)) await openSessions(db.admin, [name], organization);
      opened.add(key);
      return SessionToken.of(tagOf(db.cell), sessionToken(name, organization));
    },

    async withTransaction(name, organization, work) {
      return world.safetyPin.withSession(await world.token(name, organization), work);
    },

    as: (name, organization, work) =>
      world.withTransaction(name, organization, (tx) => work(createRepositories(tx))),
  };
  return world;
}

/** Ann owns acme, amy administers it, bob works there; zoe owns zenith. */
export function useTwoOrganizations(): World {
  const world = useWorld();
  beforeAll(async () => {
    await world.db.admin.query("select tests.two_organizations()");
  });
  return world;
}
