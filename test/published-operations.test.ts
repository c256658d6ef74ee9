import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { createRepositories } from "../src/repositories.js";
import type { Transaction } from "../src/transaction.js";
import { useWorld } from "./support/world.js";

const DOCS = join(__dirname, "..", "docs");

/** The published client's operations, by repository: what its users look for. */
const PUBLISHED: Readonly<Record<string, string>> = {
  Base: "findById findAll findOne count create createMany update updateMany delete deleteMany exists transaction",
  Users:
    "findByEmail findByIdWithOrganizations findForAuthentication validateCredentials updatePassword checkPassword resetPassword updateMfaStatus suspend activate getUserOrganizations searchUsers getRecentlyActiveUsers updateWithAudit",
  Organizations:
    "findByDomain findByIdWithUsers getOrganizationUsers addUserToOrganization updateUserRole removeUserFromOrganization findOrganizationsForUser isUserInOrganization getUserOrganizationRole transferOwnership updateSubscription getUserCount getActiveUserCount findOrganizationByEmailDomain",
  Sessions:
    "findActiveSessionsForUser findByDeviceId updateActivity extendSession markMfaComplete revoke revokeAllForUser revokeExpiredSessions isValidSession createRefreshToken findRefreshTokenById validateRefreshToken revokeRefreshToken revokeAllRefreshTokensForUser cleanupExpiredRefreshTokens createMfaSession findMfaSessionById findMfaSessionBySessionId updateMfaSession completeMfaSession failMfaSession getActiveSessions getSessionsByDeviceType getSessionsByLocation",
  Permissions:
    "findByResourceAndAction findByName findByNames createRole findRoleById findRoleWithPermissions findRoleByName updateRole deleteRole getSystemRoles getOrganizationRoles addPermissionToRole removePermissionFromRole setRolePermissions getRolePermissions assignRoleToUser removeRoleFromUser getUserRoles checkPermission getUserPermissions hasPermission hasAnyPermission hasAllPermissions",
  Audit:
    "createAuditLog findAuditLogById searchAuditLogs getUserAuditLogs getOrganizationAuditLogs getAuditLogCountByType getAuditLogCountByResult getAuditLogCountByUser createAccessAttemptLog getRecentAccessAttempts getFailedAccessAttempts getFailedAccessAttemptsByIp createSecurityAlert getActiveSecurityAlerts updateSecurityAlertStatus archiveAuditLogs deleteArchivedAuditLogs exportAuditLogs getHipaaComplianceReport",
};

interface Row {
  readonly section: string;
  readonly published: string;
  readonly counterparts: readonly string[];
  readonly isLater: boolean;
}

function readTable(): Row[] {
  const text = readFileSync(join(DOCS, "published-operations.md"), "utf8");
  return text.split(/^## /m).slice(1).flatMap((part) => {
    const [section = "", ...lines] = part.split("\n");
    return lines
      .filter((line) => /^\| [a-z]/.test(line) && !line.startsWith("| published"))
      .map((line) => {
        const [, published = "", here = ""] = line.split("|").map((cell) => cell.trim());
        return {
          section,
          published,
          counterparts: [...here.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
          isLater: here === "*later*",
        };
      });
  });
}

describe("docs/published-operations.md", () => {
  const world = useWorld();
  const rows = readTable();

  it.each(Object.keys(PUBLISHED))("has every operation of %s once", (section) => {
    const described = rows.filter((row) => row.section === section).map(({ published }) => published);
    expect(described.sort()).toEqual(PUBLISHED[section]!.split(" ").sort());
  });

  it("gives each operation a counterpart, or says later", () => {
    expect(rows.filter(({ counterparts, isLater }) => (counterparts.length > 0) === isLater)).toEqual([]);
  });

  it("calls the factory the counterpart of nothing but a transaction", () => {
    const named = rows.filter(({ counterparts }) => counterparts.includes(createRepositories.name));
    expect(named.map(({ published }) => published)).toEqual(["transaction"]);
  });

  it("names what there is", async () => {
    const repositories: Record<string, object> = { ...createRepositories({} as Transaction) };
    const { rows: functions } = await world.db.admin.query<{ proname: string }>(
      "select proname from pg_proc where pronamespace = $1::regnamespace",
      [world.db.cell],
    );
    const isThere = (name: string) => {
      if (name === createRepositories.name) return true;
      if (name.endsWith("()")) return functions.some(({ proname }) => `${proname}()` === name);
      const [owner = "", method = ""] = name.split(".");
      const methods = owner === "SafetyPin" ? world.safetyPin : repositories[owner];
      return typeof (methods as Record<string, unknown> | undefined)?.[method] === "function";
    };

    const names = rows.flatMap(({ counterparts }) => counterparts);
    expect(names.filter((name) => !isThere(name))).toEqual([]);
    expect(isThere("users.noSuchMethod")).toBe(false);
    expect(isThere("no_such_function()")).toBe(false);
  });

  it("has a page for every repository", () => {
    const pages = Object.entries(createRepositories({} as Transaction));
    for (const [name] of pages) expect(existsSync(join(DOCS, "repositories", `${name}.md`))).toBe(true);
  });
});

describe("docs/entities.md", () => {
  const world = useWorld();

  it("has every table of a cell, and the repository that speaks for it", async () => {
    const text = readFileSync(join(DOCS, "entities.md"), "utf8");
    const described = [...text.matchAll(/^\| `(\w+)` \| (.+?) \|/gm)].map(([, table, owner]) => ({
      table: table!,
      owner: owner!,
    }));
    const { rows } = await world.db.admin.query<{ table: string }>(
      `select relname as table
       from pg_class
       where relnamespace = $1::regnamespace and relkind in ('r', 'p') and not relispartition
       order by relname`,
      [world.db.cell],
    );

    expect(described.map(({ table }) => table)).toEqual(rows.map(({ table }) => table));
    const repositories = Object.keys(createRepositories({} as Transaction));
    for (const { owner } of described) {
      const name = /^\[(\w+)\]\(repositories\/\1\.md\)$/.exec(owner)?.[1];
      expect(owner === "*internal*" || owner === "*later*" || repositories.includes(name ?? "")).toBe(true);
    }
  });
});
