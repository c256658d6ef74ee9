import { postgresAudit, type AuditRepository } from "./audit.js";
import { ConfigurationError } from "./errors.js";
import { postgresOrganizations, type OrganizationRepository } from "./organizations.js";
import { postgresPermissions, type PermissionRepository } from "./permissions.js";
import { postgresSessions, type SessionRepository } from "./sessions.js";
import type { Transaction } from "./transaction.js";
import { postgresUsers, type UserRepository } from "./users.js";

/** All repositories over one transaction: what they do happens together or not at all. */
export interface Repositories {
  readonly users: UserRepository;
  readonly organizations: OrganizationRepository;
  readonly sessions: SessionRepository;
  readonly permissions: PermissionRepository;
  readonly audit: AuditRepository;
}

/** The implementations there are. */
const IMPLEMENTATIONS = {
  postgres: (tx: Transaction): Repositories => ({
    users: postgresUsers(tx),
    organizations: postgresOrganizations(tx),
    sessions: postgresSessions(tx),
    permissions: postgresPermissions(tx),
    audit: postgresAudit(tx),
  }),
} as const;

/** The name of an implementation. */
export type RepositoryImplementation = keyof typeof IMPLEMENTATIONS;

/**
 * Makes all repositories over one transaction, so that a unit of work spans tables.
 *
 * @throws {@link ConfigurationError} when there is no implementation of this name.
 */
export function createRepositories(
  tx: Transaction,
  options: {
    /** Which implementation. @defaultValue `postgres`, the one there is */
    readonly implementation?: RepositoryImplementation | undefined;
  } = {},
): Repositories {
  const name = options.implementation ?? "postgres";
  if (!Object.hasOwn(IMPLEMENTATIONS, name)) {
    throw new ConfigurationError(`there are no repositories called ${JSON.stringify(name)}`, {
      remedy: `Pass ${Object.keys(IMPLEMENTATIONS).join(" or ")}`,
    });
  }
  return IMPLEMENTATIONS[name](tx);
}
