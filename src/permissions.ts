import { found, firstOrNull } from "./found.js";
import {
  parseRoleId,
  parseUserId,
  type OrganizationId,
  type PermissionId,
  type RoleId,
  type UserId,
} from "./ids.js";
import { BEFORE_ALL_IDS, NAME_KEY, readPage, UUID_KEY, type Page, type PageOptions } from "./pages.js";
import { parseBatch, parseText, parseTime } from "./parameters.js";
import * as queries from "./queries/permissions.js";
import * as roles from "./queries/roles.js";
import * as grants from "./queries/user_roles.js";
import type { Transaction } from "./transaction.js";

/**
 * Who holds a permission: whoever has a `role` with it, `everyone` before they sign in,
 * anybody `signed_in` for themselves, an `owner`, or members of a `database_role`.
 */
export type PermissionHolder = "role" | "everyone" | "signed_in" | "owner" | "database_role";

/** Something that can be allowed. */
export interface Permission {
  readonly id: PermissionId;

  /** Resource and action: `members.manage`. */
  readonly name: string;
  readonly description: string;
  readonly resourceType: string;
  readonly action: string;

  /** Whether it is SafetyPin's and not an application's own. */
  readonly isSystemPermission: boolean;
  readonly heldBy: PermissionHolder;
}

/** A named set of permissions. */
export interface Role {
  readonly id: RoleId;

  /** `null` for a system role, which is the same in every organization. */
  readonly organizationId: OrganizationId | null;
  readonly name: string;
  readonly description: string;
  readonly isSystemRole: boolean;
  readonly createdBy: UserId | null;
  readonly creationTime: Date;
  readonly updatedBy: UserId | null;
  readonly lastUpdateTime: Date;
}

/** A role with what it holds. */
export interface RoleWithPermissions extends Role {
  readonly permissions: readonly Permission[];
}

/** A role to be given to a member. */
export interface RoleAssignment {
  readonly userId: UserId;
  readonly roleId: RoleId;

  /** Until when. @defaultValue for good */
  readonly expirationTime?: Date | undefined;

  /** Why: at most 1000 characters. */
  readonly reason?: string | undefined;
}

/** A role that a member holds besides the one of their membership. */
export interface RoleGrant {
  readonly userId: UserId;
  readonly roleId: RoleId;
  readonly roleName: string;

  /** `null` once that person is erased. */
  readonly grantedBy: UserId | null;
  readonly grantedTime: Date;

  /** Until when; `null` for no end. One that is over is still listed. */
  readonly expirationTime: Date | null;
  readonly reason: string | null;
}

/**
 * What can be allowed, the roles that gather it, and who holds which. Nothing is cached:
 * a change holds from the next statement on. Nobody grants what they do not hold.
 */
export interface PermissionRepository {
  /**
   * Whether the caller holds a permission in the organization, as of now. False for an
   * unknown one, for nobody and before an organization is chosen.
   */
  has(permission: string): Promise<boolean>;

  /**
   * Passes when the caller holds a permission, for an application's own guards. A refusal
   * is written down like the database's own.
   *
   * @throws {@link RuleError} `permission_required` when they do not hold it, or
   * `organization_not_chosen`.
   * @throws {@link AuthenticationError} when nobody is signed in.
   */
  require(permission: string): Promise<void>;

  /** Whether the caller holds at least one of these. False for an empty list. */
  hasAny(permissions: readonly string[]): Promise<boolean>;

  /** Whether the caller holds every one of these. False for an empty list. */
  hasAll(permissions: readonly string[]): Promise<boolean>;

  /** The names of all permissions the caller holds in the organization, in order. */
  listOwn(): Promise<readonly string[]>;

  /**
   * The names of all permissions a member holds in the organization, in order: what
   * {@link PermissionRepository.has} would answer them.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  listOfMember(id: UserId): Promise<readonly string[]>;

  /** The permission of this name, or `null`. */
  find(name: string): Promise<Permission | null>;

  /** The permission to do this to that kind of thing, or `null`. */
  findByResourceAndAction(resourceType: string, action: string): Promise<Permission | null>;

  /** Those of these names that there are, in order. */
  listNamed(names: readonly string[]): Promise<readonly Permission[]>;

  /**
   * Everything that can be allowed, by name.
   *
   * @throws {@link RuleError} `limit_out_of_range` or `cursor_invalid`.
   */
  list(options?: PageOptions): Promise<Page<Permission>>;

  /**
   * A system role or one of the organization, or `null`.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  findRole(id: RoleId): Promise<Role | null>;

  /**
   * A system role or one of the organization.
   *
   * @throws {@link NotFoundError} `role_not_found`.
   * @throws {@link RuleError} `id_malformed`.
   */
  getRole(id: RoleId): Promise<Role>;

  /** The organization's role of this name, else the system role of this name, else `null`. */
  findRoleByName(name: string): Promise<Role | null>;

  /**
   * A role with its permissions.
   *
   * @throws {@link NotFoundError} `role_not_found`.
   * @throws {@link RuleError} `id_malformed`.
   */
  getRoleWithPermissions(id: RoleId): Promise<RoleWithPermissions>;

  /** The roles that every organization has, by name. */
  listSystemRoles(): Promise<readonly Role[]>;

  /**
   * The organization's own roles, by name.
   *
   * @throws {@link RuleError} `limit_out_of_range` or `cursor_invalid`.
   */
  listRoles(options?: PageOptions): Promise<Page<Role>>;

  /**
   * What a role holds, by name. Empty for a role the caller may not see.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  listRolePermissions(id: RoleId): Promise<readonly Permission[]>;

  /**
   * Makes an empty role in the organization. Takes the permission `roles.manage`.
   *
   * @throws {@link RuleError} when the caller may not, or the name is taken.
   */
  createRole(role: {
    /** 1 to 100 characters, unique in the organization. */
    readonly name: string;
    /** What it is for: at most 1000 characters. @defaultValue nothing */
    readonly description?: string | undefined;
  }): Promise<RoleId>;

  /**
   * Renames or describes a role. What is left out stays. Takes the permission `roles.manage`.
   *
   * @throws {@link RuleError} when the caller may not, for a system role, or the name is taken.
   * @throws {@link NotFoundError} `role_not_found`.
   */
  updateRole(
    id: RoleId,
    changes: { readonly name?: string | undefined; readonly description?: string | undefined },
  ): Promise<void>;

  /**
   * Deletes a role and takes it from everybody. Takes the permission `roles.manage` and
   * everything the role holds.
   *
   * @throws {@link RuleError} when the caller may not, or for a system role.
   * @throws {@link NotFoundError} `role_not_found`.
   */
  deleteRole(id: RoleId): Promise<void>;

  /**
   * Gives a role exactly these permissions. Takes the permission `roles.manage` and each
   * permission that changes hands.
   *
   * @throws {@link RuleError} when the caller may not, or for a system role.
   * @throws {@link NotFoundError} `role_not_found` or `permission_not_found`.
   */
  setRolePermissions(id: RoleId, permissions: readonly string[]): Promise<void>;

  /**
   * Adds permissions to a role. Others who change it at the same moment lose nothing. Takes
   * the permission `roles.manage` and each permission that is added.
   *
   * @throws {@link RuleError} when the caller may not, or for a system role.
   * @throws {@link NotFoundError} `role_not_found` or `permission_not_found`.
   */
  addRolePermissions(id: RoleId, permissions: readonly string[]): Promise<void>;

  /**
   * Takes permissions from a role; one it does not hold is none to take. Takes the
   * permission `roles.manage` and each permission that is taken.
   *
   * @throws {@link RuleError} when the caller may not, or for a system role.
   * @throws {@link NotFoundError} `role_not_found`.
   */
  removeRolePermissions(id: RoleId, permissions: readonly string[]): Promise<void>;

  /**
   * Gives a member a role; assigning again replaces the terms. Takes the permission
   * `roles.assign` and everything the role holds.
   *
   * @throws {@link RuleError} when the caller may not, or it would end before it begins.
   * @throws {@link NotFoundError} `role_not_found` or `member_not_found`.
   */
  assignRole(assignment: RoleAssignment): Promise<void>;

  /**
   * Gives several members their roles: all of them or none. Takes the permission
   * `roles.assign` and everything the roles hold.
   *
   * @throws {@link RuleError} when the caller may not, one would end before it begins, or
   * `batch_out_of_range`.
   * @throws {@link NotFoundError} `role_not_found` or `member_not_found`.
   */
  assignRoles(assignments: readonly RoleAssignment[]): Promise<void>;

  /**
   * Takes a role from a member. Takes the permission `roles.assign` and everything the
   * role holds.
   *
   * @throws {@link RuleError} when the caller may not.
   * @throws {@link NotFoundError} `role_not_found` when they do not hold it.
   */
  removeRole(id: UserId, roleId: RoleId): Promise<void>;

  /**
   * The roles a member was given besides the one of their membership, expired ones included.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid` or `id_malformed`.
   */
  listMemberRoles(id: UserId, options?: PageOptions): Promise<Page<RoleGrant>>;

  /**
   * Who was given a role, expired grants included.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid` or `id_malformed`.
   */
  listRoleHolders(id: RoleId, options?: PageOptions): Promise<Page<RoleGrant>>;
}

/** Permissions and roles in PostgreSQL, as the transaction's caller may see them. */
export function postgresPermissions(tx: Transaction): PermissionRepository {
  const change = async (roleId: RoleId, added: readonly string[], removed: readonly string[]) => {
    await roles.changeRolePermissions.run(
      { roleId: parseRoleId(roleId), added: parseNames(added), removed: parseNames(removed) },
      tx,
    );
  };

  const repository: PermissionRepository = {
    async has(permission) {
      const [row] = await queries.hasPermission.run(
        { permission: parseText(permission, "permission") },
        tx,
      );
      return row!.isHeld;
    },

    async require(permission) {
      await queries.requirePermission.run({ permission: parseText(permission, "permission") }, tx);
    },

    async hasAny(permissions) {
      const [row] = await queries.hasAnyPermission.run({ permissions: parseNames(permissions) }, tx);
      return row!.isHeld;
    },

    async hasAll(permissions) {
      const [row] = await queries.hasAllPermissions.run({ permissions: parseNames(permissions) }, tx);
      return row!.isHeld;
    },

    async listOwn() {
      const rows = await queries.listOwnPermissions.run(undefined, tx);
      return rows.map(({ name }) => name);
    },

    async listOfMember(id) {
      const rows = await grants.listMemberPermissions.run({ userId: parseUserId(id) }, tx);
      return rows.map(({ name }) => name);
    },

    async find(name) {
      const rows = await queries.findPermission.run({ name: parseText(name, "name") }, tx);
      return firstOrNull(rows, toPermission);
    },

    findByResourceAndAction: (resourceType, action) => repository.find(`${resourceType}.${action}`),

    async listNamed(names) {
      const rows = await queries.listPermissionsNamed.run({ names: parseNames(names) }, tx);
      return rows.map(toPermission);
    },

    list: (options = {}) =>
      readPage(options, {
        start: [""],
        pattern: [NAME_KEY],
        keyOf: (row: queries.ListPermissionsResult) => [row.name],
        read: ([afterName], limit) => queries.listPermissions.run({ afterName: afterName!, limit }, tx),
        item: toPermission,
      }),

    async findRole(id) {
      return firstOrNull(await roles.findRole.run({ roleId: parseRoleId(id) }, tx), toRole);
    },

    async getRole(id) {
      return found(await repository.findRole(id), "role", id);
    },

    async findRoleByName(name) {
      const rows = await roles.findRoleByName.run({ name: parseText(name, "name") }, tx);
      return firstOrNull(rows, toRole);
    },

    async getRoleWithPermissions(id) {
      const role = await repository.getRole(id);
      return { ...role, permissions: await repository.listRolePermissions(id) };
    },

    async listSystemRoles() {
      return (await roles.listSystemRoles.run(undefined, tx)).map(toRole);
    },

    listRoles: (options = {}) =>
      readPage(options, {
        start: [""],
        pattern: [NAME_KEY],
        keyOf: (row: roles.ListRolesResult) => [row.name],
        read: ([afterName], limit) => roles.listRoles.run({ afterName: afterName!, limit }, tx),
        item: toRole,
      }),

    async listRolePermissions(id) {
      const rows = await roles.listRolePermissions.run({ roleId: parseRoleId(id) }, tx);
      return rows.map(toPermission);
    },

    async createRole({ name, description = "" }) {
      const [row] = await roles.createRole.run(
        { name: parseText(name, "name"), description: parseText(description, "description") },
        tx,
      );
      return row!.roleId as RoleId;
    },

    async updateRole(id, changes) {
      await roles.updateRole.run({ ...changes, roleId: parseRoleId(id) }, tx);
    },

    async deleteRole(id) {
      await roles.deleteRole.run({ roleId: parseRoleId(id) }, tx);
    },

    async setRolePermissions(id, permissions) {
      await roles.setRolePermissions.run(
        { roleId: parseRoleId(id), permissions: parseNames(permissions) },
        tx,
      );
    },

    addRolePermissions: (id, permissions) => change(id, permissions, []),

    removeRolePermissions: (id, permissions) => change(id, [], permissions),

    async assignRole({ userId, roleId, expirationTime, reason }) {
      await grants.assignRole.run(
        {
          userId: parseUserId(userId),
          roleId: parseRoleId(roleId),
          expirationTime: parseOptionalTime(expirationTime),
          reason: parseOptionalText(reason),
        },
        tx,
      );
    },

    async assignRoles(assignments) {
      const given = parseBatch(assignments, "assignments");
      await grants.assignRoles.run(
        {
          userIds: given.map(({ userId }) => parseUserId(userId)),
          roleIds: given.map(({ roleId }) => parseRoleId(roleId)),
          expirationTimes: given.map(({ expirationTime }) => parseOptionalTime(expirationTime) ?? "infinity"),
          reasons: given.map(({ reason }) => parseOptionalText(reason) ?? ""),
        },
        tx,
      );
    },

    async removeRole(id, roleId) {
      await grants.removeRole.run({ userId: parseUserId(id), roleId: parseRoleId(roleId) }, tx);
    },

    listMemberRoles: async (id, options = {}) => {
      const userId = parseUserId(id);
      return readPage(options, {
        start: [BEFORE_ALL_IDS],
        pattern: [UUID_KEY],
        keyOf: (row: grants.ListMemberRolesResult) => [row.roleId],
        read: ([afterRoleId], limit) =>
          grants.listMemberRoles.run({ userId, afterRoleId: afterRoleId!, limit }, tx),
        item: toGrant,
      });
    },

    listRoleHolders: async (id, options = {}) => {
      const roleId = parseRoleId(id);
      return readPage(options, {
        start: [BEFORE_ALL_IDS],
        pattern: [UUID_KEY],
        keyOf: (row: grants.ListRoleHoldersResult) => [row.userId],
        read: ([afterUserId], limit) =>
          grants.listRoleHolders.run({ roleId, afterUserId: afterUserId!, limit }, tx),
        item: toGrant,
      });
    },
  };
  return repository;
}

function parseOptionalTime(time: Date | undefined): Date | null {
  return time === undefined ? null : parseTime(time, "expirationTime");
}

function parseOptionalText(text: string | undefined): string | null {
  return text === undefined ? null : parseText(text, "reason");
}

function parseNames(names: readonly string[]): string[] {
  return names.map((name) => parseText(name, "permission"));
}

function toPermission(row: queries.FindPermissionResult): Permission {
  return { ...row, id: row.id as PermissionId, heldBy: row.heldBy as PermissionHolder };
}

function toRole(row: roles.FindRoleResult): Role {
  return {
    ...row,
    id: row.id as RoleId,
    organizationId: row.organizationId as OrganizationId | null,
    createdBy: row.createdBy as UserId | null,
    updatedBy: row.updatedBy as UserId | null,
  };
}

function toGrant(row: grants.ListMemberRolesResult): RoleGrant {
  return {
    ...row,
    userId: row.userId as UserId,
    roleId: row.roleId as RoleId,
    grantedBy: row.grantedBy as UserId | null,
  };
}
