import { createHash, randomBytes } from "node:crypto";

import { parseEmail } from "./email.js";
import { found, firstOrNull } from "./found.js";
import {
  parseOrganizationId,
  parseUserId,
  type DomainId,
  type OrganizationId,
  type UserId,
} from "./ids.js";
import { BEFORE_ALL_IDS, NAME_KEY, parseLimit, readPage, UUID_KEY, type Page, type PageOptions } from "./pages.js";
import { parseBatch, parseText } from "./parameters.js";
import * as domains from "./queries/organization_domains.js";
import * as members from "./queries/organization_users.js";
import * as queries from "./queries/organizations.js";
import * as policies from "./queries/password_policies.js";
import { requirePermission } from "./queries/permissions.js";
import { SEALED_FIELDS } from "./sealed-fields.js";
import { OneTimeToken, secretOf, tagOf } from "./tokens.js";
import type { Transaction } from "./transaction.js";

/** Of an organization's own: where its bills go, and whom to ask. */
const CONTACTS = [
  SEALED_FIELDS["organizations.billing_email"].fieldId,
  SEALED_FIELDS["organizations.technical_contact_email"].fieldId,
];

/**
 * Where an organization stands: `inactive` while it is founded, then `active`; `suspended`
 * by an operator; `deleted` by its owner; `shredded`, when its keys are gone for good. Nobody
 * signs in unless it is active.
 */
export type OrganizationStatus = "active" | "inactive" | "suspended" | "deleted" | "shredded";

/** A member's place. The system role of that name comes with it. */
export type MemberRole = "owner" | "admin" | "member";

/** Where a membership stands. Whoever is only invited sees nothing and is not seen. */
export type MemberStatus = "invited" | "active" | "suspended";

/** What an organization may keep about itself. */
export interface OrganizationSettings {
  readonly locale?: string;
  readonly timezone?: string;
  readonly logo_url?: string;
  readonly support_url?: string;
}

/** A customer: the wall that everything else lives behind. */
export interface Organization {
  readonly id: OrganizationId;

  /** The name used in addresses. It ends in four digits of the database's own. */
  readonly slug: string;
  readonly name: string;

  /** Its first verified e-mail domain; `null` before one is verified. */
  readonly domain: string | null;
  readonly status: OrganizationStatus;
  readonly subscriptionTier: string;

  /** How many members it may have; `null` for no limit. */
  readonly maxUsers: number | null;

  /** How many it has, people who are merely invited not counted. */
  readonly memberCount: number;

  /** How many of them are active owners: at least one. */
  readonly ownerCount: number;

  /** Where bills go, and whom to ask: sealed under the organization's own key. */
  readonly billingEmail: string | null;
  readonly technicalContactEmail: string | null;
  readonly settings: OrganizationSettings;
  readonly creationTime: Date;
  readonly lastUpdateTime: Date;
}

/** An organization one belongs to or is invited to. */
export interface OwnOrganization {
  readonly id: OrganizationId;
  readonly slug: string;
  readonly name: string;
  readonly role: MemberRole;
  readonly status: MemberStatus;
}

/** A person's place in the organization. */
export interface Membership {
  readonly userId: UserId;

  /** `null` for somebody who was shredded. */
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly role: MemberRole;
  readonly isOwner: boolean;
  readonly status: MemberStatus;
  readonly creationTime: Date;
}

/** An e-mail domain the organization claims. */
export interface OrganizationDomain {
  readonly id: DomainId;

  /** Lower case, ASCII. */
  readonly domain: string;

  /** When it was proven; `null` until then. */
  readonly verifiedTime: Date | null;

  /** `null` once that person is erased. */
  readonly claimedBy: UserId | null;
  readonly creationTime: Date;
}

/** What an organization may change about itself. What is left out stays; `null` clears it. */
export interface OrganizationChanges {
  /** 1 to 200 characters. */
  readonly name?: string | undefined;

  /** Where bills go. */
  readonly billingEmail?: string | null | undefined;

  /** Whom to ask. */
  readonly technicalContactEmail?: string | null | undefined;

  /** All of its settings: what is not in here is gone. */
  readonly settings?: OrganizationSettings | undefined;
}

/** How strict passwords and sessions are. An organization may be stricter than NIST, never laxer. */
export interface PasswordPolicy {
  /**
   * Fewest code points: at least 15, or 8 with `mfaRequired`. What holds for a person is 15
   * at least, for as long as their password alone opens a session.
   */
  readonly minLength: number;

  /** Most code points: 64 to 1024. */
  readonly maxLength: number;
  readonly requireUppercase: boolean;
  readonly requireLowercase: boolean;
  readonly requireDigit: boolean;
  readonly requireSymbol: boolean;

  /** Days until a password must be changed; `null`, as NIST wants it, for never. */
  readonly maximumAgeDays: number | null;

  /** How many of the last passwords may not be used again: 1 to 50. */
  readonly historyDepth: number;

  /** For how many days a password may not be used again. */
  readonly historyDays: number;

  /** Whether a second factor must be complete before the organization is entered. */
  readonly mfaRequired: boolean;

  /** How many sessions a person may have at once. */
  readonly maxSessions: number;

  /** How long a session of assurance level 1 lasts at most, and without activity. */
  readonly aal1AbsoluteMinutes: number;
  readonly aal1IdleMinutes: number;

  /** How long a session of assurance level 2 lasts at most, and without activity. */
  readonly aal2AbsoluteMinutes: number;
  readonly aal2IdleMinutes: number;

  /** How long a session of assurance level 3 lasts at most, and without activity. */
  readonly aal3AbsoluteMinutes: number;
  readonly aal3IdleMinutes: number;
}

/** The policy that holds in an organization. */
export interface OrganizationPasswordPolicy extends PasswordPolicy {
  /** Whether the organization has no policy of its own and this is the cell's. */
  readonly isDefault: boolean;
}

/**
 * The organization one acts in, its members and its domains; and the way from one's own
 * organizations into one of them. Other organizations are not there, whatever is asked.
 */
export interface OrganizationRepository {
  /**
   * The organization, or `null` unless the caller acts in it.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  find(id: OrganizationId): Promise<Organization | null>;

  /**
   * The organization.
   *
   * @throws {@link NotFoundError} `organization_not_found` unless the caller acts in it.
   * @throws {@link RuleError} `id_malformed`.
   */
  get(id: OrganizationId): Promise<Organization>;

  /** The organization the caller acts in, or `null` before one is chosen. */
  findCurrent(): Promise<Organization | null>;

  /**
   * The organization the caller acts in.
   *
   * @throws {@link NotFoundError} `organization_not_found` before one is chosen.
   */
  getCurrent(): Promise<Organization>;

  /**
   * The active organizations the caller belongs to or is invited to, by name.
   *
   * @throws {@link AuthenticationError} when nobody is signed in.
   */
  listOwn(): Promise<readonly OwnOrganization[]>;

  /**
   * The organization that holds the domain of the caller's own verified address, or `null`.
   * Asked of any domain, this would tell strangers who is a customer.
   *
   * @throws {@link AuthenticationError} when nobody is signed in.
   */
  findOfOwnDomain(): Promise<{ readonly id: OrganizationId; readonly name: string } | null>;

  /**
   * Founds an organization that the caller owns, and gives it a key of its own.
   * {@link OrganizationRepository.choose} enters it.
   *
   * @throws {@link KeyProviderError} when there is no key to be had: then it is not founded.
   * @throws {@link RuleError} when slug or name are not as they have to be.
   * @throws {@link AuthenticationError} when nobody is signed in.
   */
  create(organization: {
    /** Lower-case words joined by hyphens, 3 to 55 characters; four digits are added. */
    readonly slug: string;
    /** What people call it: 1 to 200 characters. */
    readonly name: string;
  }): Promise<OrganizationId>;

  /**
   * Enters an organization, for this transaction and later requests of the session.
   *
   * @throws {@link NotFoundError} when the caller is no active member, or a second factor is missing.
   * @throws {@link RuleError} `id_malformed`.
   */
  choose(id: OrganizationId): Promise<void>;

  /**
   * Changes the organization the caller acts in. Takes the permission `organization.update`.
   *
   * @throws {@link KeyProviderError} when the key that its contacts are sealed under cannot be had.
   * @throws {@link RuleError} when the caller may not, or something is not as it has to be.
   */
  update(changes: OrganizationChanges): Promise<Organization>;

  /**
   * Closes the organization the caller acts in: its sessions are void at once. Owners only.
   *
   * @throws {@link RuleError} when the caller is no owner.
   */
  close(): Promise<void>;

  /**
   * A member, or `null`. Whoever is only invited is not there yet.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  findMember(id: UserId): Promise<Membership | null>;

  /**
   * A member.
   *
   * @throws {@link NotFoundError} `member_not_found`.
   * @throws {@link RuleError} `id_malformed`.
   */
  getMember(id: UserId): Promise<Membership>;

  /**
   * Whether this person is a member, suspended ones included.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  isMember(id: UserId): Promise<boolean>;

  /**
   * The members, in the order in which they registered.
   *
   * @throws {@link RuleError} `limit_out_of_range` or `cursor_invalid`.
   */
  listMembers(options?: PageOptions): Promise<Page<Membership>>;

  /**
   * How many members there are. Kept on the organization's row: one look, whatever the number.
   *
   * @throws {@link NotFoundError} `organization_not_found` before one is chosen.
   */
  countMembers(): Promise<number>;

  /**
   * How many members are active, counted one by one up to a limit.
   *
   * @throws {@link RuleError} `limit_out_of_range`.
   */
  countActiveMembers(options?: {
    /** Where counting ends, at most 100 000: this answer means "at least". @defaultValue 10000 */
    readonly upTo?: number | undefined;
  }): Promise<number>;

  /**
   * Asks the person with this address to join; nothing happens when there is none, and
   * the answer is the same. Takes the permission `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not, for a role above their own, or `email_malformed`.
   */
  addMember(member: {
    readonly email: string;
    /** @defaultValue `member` */
    readonly role?: MemberRole | undefined;
  }): Promise<void>;

  /**
   * Takes back an invitation that was not accepted yet; nothing happens when there is none,
   * and the answer is the same. Takes the permission `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not, or `email_malformed`.
   */
  withdrawInvitation(email: string): Promise<void>;

  /**
   * Asks several people to join, as {@link OrganizationRepository.addMember} does: all of
   * them or none. Takes the permission `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not, for a role above their own,
   * `email_malformed`, or `batch_out_of_range`.
   */
  addMembers(
    members: readonly {
      readonly email: string;
      /** @defaultValue `member` */
      readonly role?: MemberRole | undefined;
    }[],
  ): Promise<void>;

  /**
   * Joins an organization that invited the caller.
   *
   * @throws {@link NotFoundError} when it did not, or is not active.
   * @throws {@link RuleError} when it is full, or `id_malformed`.
   */
  acceptMembership(id: OrganizationId): Promise<void>;

  /**
   * Makes a member an owner, an admin or a member. Takes the permission `members.manage`,
   * and ownership to give ownership.
   *
   * @throws {@link RuleError} when the caller may not, above their own role, or for the last owner.
   * @throws {@link NotFoundError} when there is no such member.
   */
  setMemberRole(id: UserId, role: MemberRole): Promise<void>;

  /**
   * Does so with several members: all of them or none. Takes the permission
   * `members.manage`, and ownership to give ownership.
   *
   * @throws {@link RuleError} when the caller may not, above their own role, for the last
   * owner, or `batch_out_of_range`.
   * @throws {@link NotFoundError} when one of them is no member.
   */
  setMemberRoles(members: readonly { readonly userId: UserId; readonly role: MemberRole }[]): Promise<void>;

  /**
   * Keeps a member out and voids their sessions here. Takes the permission `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not, the member holds more than they do, or
   *   it is the last owner.
   * @throws {@link NotFoundError} when there is no such member.
   */
  suspendMember(id: UserId): Promise<void>;

  /**
   * Lets a suspended member back in. Takes the permission `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not, or the member holds more than they do.
   * @throws {@link NotFoundError} when there is no such member, or they are not suspended.
   */
  reactivateMember(id: UserId): Promise<void>;

  /**
   * Ends a membership, with its roles and sessions. Takes the permission `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not, the member holds more than they do, or
   *   it is the last owner.
   * @throws {@link NotFoundError} when there is no such member.
   */
  removeMember(id: UserId): Promise<void>;

  /**
   * Ends several memberships, with their roles and sessions: all of them or none. Takes the
   * permission `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not, for the last owner, or `batch_out_of_range`.
   * @throws {@link NotFoundError} when one of them is no member.
   */
  removeMembers(ids: readonly UserId[]): Promise<void>;

  /**
   * Ends the caller's own membership.
   *
   * @throws {@link RuleError} for the last owner.
   */
  leave(): Promise<void>;

  /**
   * Makes another member the owner in the caller's place, who stays as admin. Owners only.
   *
   * @throws {@link RuleError} when the caller is no owner, or names themselves.
   * @throws {@link NotFoundError} when there is no such active member.
   */
  transferOwnership(id: UserId): Promise<void>;

  /**
   * A domain the organization claims or holds, or `null`.
   */
  findDomain(domain: string): Promise<OrganizationDomain | null>;

  /**
   * The domains the organization claims or holds, by name.
   *
   * @throws {@link RuleError} `limit_out_of_range` or `cursor_invalid`.
   */
  listDomains(options?: PageOptions): Promise<Page<OrganizationDomain>>;

  /**
   * Claims a domain. The token, published in its DNS, proves it within 30 days; claiming
   * again makes another, and the one before worthless. Takes the permission `domains.manage`.
   *
   * @throws {@link RuleError} when the caller may not, or it is no domain.
   */
  claimDomain(domain: string): Promise<{ readonly id: DomainId; readonly token: OneTimeToken }>;

  /**
   * Proves a domain with the token found in its DNS, and says whether it is now the
   * organization's. Takes the permission `domains.manage`.
   *
   * @throws {@link RuleError} when the caller may not.
   * @throws {@link AuthenticationError} `token_malformed`.
   */
  verifyDomain(token: OneTimeToken | string): Promise<boolean>;

  /**
   * Gives a claimed or proven domain up. Takes the permission `domains.manage`.
   *
   * @throws {@link RuleError} when the caller may not.
   * @throws {@link NotFoundError} when the organization does not claim it.
   */
  releaseDomain(domain: string): Promise<void>;

  /** The password and session rules of the organization: its own, or the cell's. */
  getPasswordPolicy(): Promise<OrganizationPasswordPolicy>;

  /**
   * Makes the organization stricter: its own policy, or the cell's, with these changes.
   * Takes the permission `policies.manage`.
   *
   * @throws {@link RuleError} when the caller may not, or it would be laxer than NIST.
   */
  setPasswordPolicy(changes: Partial<PasswordPolicy>): Promise<OrganizationPasswordPolicy>;

  /**
   * Goes back to the cell's policy, and says whether there was one to give up. Takes the
   * permission `policies.manage`.
   *
   * @throws {@link RuleError} when the caller may not.
   */
  clearPasswordPolicy(): Promise<boolean>;
}

/** Organizations in PostgreSQL, as the transaction's caller may see them. */
export function postgresOrganizations(tx: Transaction): OrganizationRepository {
  /** Asks for a key only where there is something to open. */
  async function withContacts(rows: readonly queries.FindOrganizationResult[]): Promise<readonly OpenedOrganization[]> {
    const [row] = rows;
    if (row === undefined) return [];
    if (!row.hasContacts) return [{ ...row, billingEmail: null, technicalContactEmail: null }];
    await tx.unlock("organization");
    const contacts = await queries.openContacts.run({ organizationId: row.id, fields: CONTACTS }, tx);
    return contacts.map((opened) => ({ ...row, ...opened }));
  }

  const repository: OrganizationRepository = {
    async find(id) {
      const rows = await queries.findOrganization.run({ organizationId: parseOrganizationId(id) }, tx);
      return firstOrNull(await withContacts(rows), toOrganization);
    },

    async get(id) {
      return found(await repository.find(id), "organization", id);
    },

    async findCurrent() {
      return firstOrNull(await withContacts(await queries.findCurrentOrganization.run(undefined, tx)), toOrganization);
    },

    async getCurrent() {
      return found(await repository.findCurrent(), "organization", "of the session");
    },

    async listOwn() {
      const rows = await queries.listOwnOrganizations.run(undefined, tx);
      return rows.map(({ organizationId, ...own }) => ({
        ...own,
        id: organizationId as OrganizationId,
        role: own.role as MemberRole,
        status: own.status as MemberStatus,
      }));
    },

    async findOfOwnDomain() {
      await tx.unlock();
      const [row] = await queries.findOrganizationOfOwnDomain.run(undefined, tx);
      if (row === undefined || row.organizationId === null || row.name === null) return null;
      return { id: row.organizationId as OrganizationId, name: row.name };
    },

    async create({ slug, name }) {
      const [row] = await queries.createOrganization.run(
        { slug: parseText(slug, "slug"), name: parseText(name, "name") },
        tx,
      );
      const id = row!.organizationId as OrganizationId;
      await tx.giveFirstKey(id);
      return id;
    },

    async choose(id) {
      await queries.chooseOrganization.run({ organizationId: parseOrganizationId(id) }, tx);
    },

    async update({ name, settings, billingEmail, technicalContactEmail }) {
      await requirePermission.run({ permission: "organization.update" }, tx);
      // What is sealed goes in by functions. What is only cleared takes no key.
      if (typeof billingEmail === "string" || typeof technicalContactEmail === "string") {
        await tx.unlock("organization");
      }
      if (billingEmail !== undefined) {
        await queries.setBillingEmail.run({ email: parseContact(billingEmail, "billingEmail") }, tx);
      }
      if (technicalContactEmail !== undefined) {
        await queries.setTechnicalContactEmail.run(
          { email: parseContact(technicalContactEmail, "technicalContactEmail") },
          tx,
        );
      }
      const rows = await queries.updateOrganization.run(
        { name, settings: settings === undefined ? null : { ...settings } },
        tx,
      );
      return found(firstOrNull(await withContacts(rows), toOrganization), "organization", "of the session");
    },

    async close() {
      await queries.closeOrganization.run(undefined, tx);
    },

    async findMember(id) {
      const userId = parseUserId(id);
      await tx.unlock();
      return firstOrNull(await members.findMember.run({ userId }, tx), toMembership);
    },

    async getMember(id) {
      return found(await repository.findMember(id), "member", id);
    },

    async isMember(id) {
      return (await repository.findMember(id)) !== null;
    },

    listMembers: (options = {}) =>
      readPage(options, {
        start: [BEFORE_ALL_IDS],
        pattern: [UUID_KEY],
        keyOf: (row: members.ListMembersResult) => [row.userId],
        read: async ([afterUserId], limit) => {
          await tx.unlock();
          return members.listMembers.run({ afterUserId: afterUserId!, limit }, tx);
        },
        item: toMembership,
      }),

    async countMembers() {
      const rows = await queries.findCurrentOrganization.run(undefined, tx);
      return found(firstOrNull(rows, ({ memberCount }) => memberCount), "organization", "of the session");
    },

    async countActiveMembers({ upTo = 10_000 } = {}) {
      const limit = parseLimit(upTo, { maximum: 100_000 });
      const [row] = await members.countActiveMembers.run({ limit }, tx);
      return row!.count;
    },

    async addMember({ email, role = "member" }) {
      const invited = { email: parseEmail(email), role };
      await tx.unlock();
      await members.addMember.run(invited, tx);
    },

    async withdrawInvitation(email) {
      const invited = { email: parseEmail(email) };
      await tx.unlock();
      await members.withdrawInvitation.run(invited, tx);
    },

    async addMembers(invited) {
      const given = parseBatch(invited, "members");
      const emails = given.map(({ email }) => parseEmail(email));
      await tx.unlock();
      await members.addMembers.run({ emails, roles: given.map(({ role = "member" }) => role) }, tx);
    },

    async acceptMembership(id) {
      await members.acceptMembership.run({ organizationId: parseOrganizationId(id) }, tx);
    },

    async setMemberRole(id, role) {
      await members.setMemberRole.run({ userId: parseUserId(id), role }, tx);
    },

    async setMemberRoles(changed) {
      const given = parseBatch(changed, "members");
      const userIds = given.map(({ userId }) => parseUserId(userId));
      await members.setMemberRoles.run({ userIds, roles: given.map(({ role }) => role) }, tx);
    },

    async suspendMember(id) {
      await members.suspendMember.run({ userId: parseUserId(id) }, tx);
    },

    async reactivateMember(id) {
      await members.reactivateMember.run({ userId: parseUserId(id) }, tx);
    },

    async removeMember(id) {
      await members.removeMember.run({ userId: parseUserId(id) }, tx);
    },

    async removeMembers(ids) {
      await members.removeMembers.run({ userIds: parseBatch(ids, "ids").map((id) => parseUserId(id)) }, tx);
    },

    async leave() {
      await members.leaveOrganization.run(undefined, tx);
    },

    async transferOwnership(id) {
      await members.transferOwnership.run({ userId: parseUserId(id) }, tx);
    },

    async findDomain(domain) {
      const rows = await domains.findDomain.run({ domain: parseText(domain, "domain") }, tx);
      return firstOrNull(rows, toDomain);
    },

    listDomains: (options = {}) =>
      readPage(options, {
        start: [""],
        pattern: [NAME_KEY],
        keyOf: (row: domains.ListDomainsResult) => [row.domain],
        read: ([afterDomain], limit) =>
          domains.listDomains.run({ afterDomain: afterDomain!, limit }, tx),
        item: toDomain,
      }),

    async claimDomain(domain) {
      const secret = randomBytes(32);
      const tokenHash = createHash("sha256").update(secret).digest();
      const [row] = await domains.claimDomain.run(
        { domain: parseText(domain, "domain"), tokenHash },
        tx,
      );
      return { id: row!.domainId as DomainId, token: OneTimeToken.of(tagOf(row!.cell), secret) };
    },

    async verifyDomain(text) {
      const token = typeof text === "string" ? OneTimeToken.parse(text) : text;
      const [row] = await domains.verifyDomain.run({ token: secretOf(token) }, tx);
      return row!.isVerified;
    },

    async releaseDomain(domain) {
      await domains.releaseDomain.run({ domain: parseText(domain, "domain") }, tx);
    },

    async getPasswordPolicy() {
      const [row] = await policies.findPasswordPolicy.run(undefined, tx);
      return toPolicy(row!);
    },

    async setPasswordPolicy(changes) {
      await requirePermission.run({ permission: "policies.manage" }, tx);
      const { isDefault: _, ...current } = await repository.getPasswordPolicy();
      const [row] = await policies.setPasswordPolicy.run({ ...current, ...stated(changes) }, tx);
      return toPolicy(row!);
    },

    async clearPasswordPolicy() {
      const [row] = await policies.clearPasswordPolicy.run(undefined, tx);
      return row!.wasCleared;
    },
  };
  return repository;
}

/** An organization's row, its contacts opened. */
type OpenedOrganization = queries.FindOrganizationResult & queries.OpenContactsResult;

function toOrganization({ hasContacts: _, ...row }: OpenedOrganization): Organization {
  return {
    ...row,
    id: row.id as OrganizationId,
    status: row.status as OrganizationStatus,
    settings: row.settings as OrganizationSettings,
  };
}

function parseContact(email: string | null, name: string): string | null {
  return email === null ? null : parseText(email, name);
}

function toMembership(row: members.FindMemberResult): Membership {
  return {
    ...row,
    userId: row.userId as UserId,
    role: row.role as MemberRole,
    status: row.status as MemberStatus,
  };
}

function toDomain(row: domains.FindDomainResult): OrganizationDomain {
  return { ...row, id: row.id as DomainId, claimedBy: row.claimedBy as UserId | null };
}

function toPolicy({
  organizationId,
  ...policy
}: policies.FindPasswordPolicyResult): OrganizationPasswordPolicy {
  return { ...policy, isDefault: organizationId === null };
}

/** What was said: an option that is `undefined` was left out. */
function stated(changes: Partial<PasswordPolicy>): Partial<PasswordPolicy> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}
