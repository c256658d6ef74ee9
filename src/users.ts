import { foldEmail, parseEmail } from "./email.js";
import { found, firstOrNull } from "./found.js";
import { parseUserId, type UserId } from "./ids.js";
import { BEFORE_ALL_IDS, parseLimit, readPage, UUID_KEY, type Page, type PageOptions } from "./pages.js";
import { parseText, parseTime } from "./parameters.js";
import * as credentials from "./queries/password_credentials.js";
import * as queries from "./queries/users.js";
import type { Transaction } from "./transaction.js";

/**
 * Where a person stands in the cell: `pending` until their address is verified, then
 * `active`; `suspended` by an operator; `deleted` by themselves; `shredded`, when what was
 * known of them is gone for good. Only active people sign in.
 */
export type UserStatus = "pending" | "active" | "suspended" | "deleted" | "shredded";

/** A person, as the caller may see them. */
export interface User {
  readonly id: UserId;

  /**
   * The address they sign in with: lower case, unique in the cell. Sealed where it is kept;
   * `null` once they are shredded, and then there is no name either.
   */
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly jobTitle: string | null;
  readonly status: UserStatus;

  /** When they proved that the address is theirs; `null` until then. */
  readonly emailVerifiedTime: Date | null;

  /** E.164. Sealed where it is kept. */
  readonly phoneNumber: string | null;
  readonly avatarUrl: string | null;

  /** An IANA time zone name. */
  readonly timezone: string;

  /** A BCP 47 language tag. */
  readonly locale: string;

  /** `null` before they first signed in. */
  readonly lastLoginTime: Date | null;
  readonly creationTime: Date;
  readonly lastUpdateTime: Date;
}

/** Somebody a search found. */
export interface UserMatch {
  readonly id: UserId;

  /** `null` for somebody who was shredded. */
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly jobTitle: string | null;

  /** Their place in the organization: `owner`, `admin` or `member`. */
  readonly role: string;
}

/** What a person says of themselves. What is left out stays as it is; `null` clears it. */
export interface ProfileChanges {
  /** 1 to 100 characters. */
  readonly firstName?: string | undefined;

  /** 1 to 100 characters. */
  readonly lastName?: string | undefined;

  /** At most 100 characters. */
  readonly jobTitle?: string | null | undefined;

  /** E.164: a plus and up to fifteen digits. */
  readonly phoneNumber?: string | null | undefined;

  /** An https address. */
  readonly avatarUrl?: string | null | undefined;

  /** An IANA time zone name, such as `Europe/Vienna`. */
  readonly timezone?: string | undefined;

  /** A BCP 47 language tag, such as `de-AT`. */
  readonly locale?: string | undefined;
}

/**
 * People who sign in: oneself, and the members of the organization one acts in. Nobody
 * else is there, whatever is asked.
 *
 * People begin by registering and end by closing their account; what an organization may
 * do to its members is in {@link OrganizationRepository}.
 */
export interface UserRepository {
  /**
   * The person, or `null` when there is none that the caller may see.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  find(id: UserId): Promise<User | null>;

  /**
   * The person.
   *
   * @throws {@link NotFoundError} `user_not_found` when there is none that the caller may see.
   * @throws {@link RuleError} `id_malformed`.
   */
  get(id: UserId): Promise<User>;

  /**
   * Whether there is such a person that the caller may see.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  exists(id: UserId): Promise<boolean>;

  /**
   * The person with this address, whichever way it is capitalised, or `null`.
   *
   * @throws {@link RuleError} `email_malformed`.
   */
  findByEmail(email: string): Promise<User | null>;

  /**
   * The caller.
   *
   * @throws {@link NotFoundError} `user_not_found` when nobody is signed in.
   */
  getSelf(): Promise<User>;

  /**
   * The people of the organization, in the order in which they registered.
   *
   * @throws {@link RuleError} `limit_out_of_range` or `cursor_invalid`.
   */
  list(options?: PageOptions): Promise<Page<User>>;

  /**
   * The people who signed in to the organization lately, the latest first. It looks at the
   * newest thousand sign-ins the caller may see: all of them with the permission
   * `audit.read`, else their own.
   *
   * @throws {@link RuleError} `limit_out_of_range` or `time_invalid`.
   */
  listRecentlyActive(options: {
    /** Nobody who last signed in before this. */
    readonly since: Date;
    /** The most people to return, from 1 to 100. @defaultValue 50 */
    readonly limit?: number | undefined;
  }): Promise<readonly User[]>;

  /**
   * The people of the organization whose name or title contains the words, the best match
   * first; or whose address it is; or whose addresses are of a domain, as `@example.com`.
   *
   * @throws {@link RuleError} when the query has fewer than 2 or more than 100 characters,
   * when no organization is chosen, or `limit_out_of_range`.
   */
  search(
    query: string,
    options?: {
      /** The most people to return, from 1 to 100. @defaultValue 20 */
      readonly limit?: number | undefined;
    },
  ): Promise<readonly UserMatch[]>;

  /**
   * Changes what the caller says of themselves, and returns what is now said.
   *
   * @throws {@link RuleError} when something is not as it has to be.
   * @throws {@link NotFoundError} `user_not_found` when nobody is signed in.
   */
  updateOwnProfile(changes: ProfileChanges): Promise<User>;

  /**
   * Makes a member choose a new password the next time they sign in. Takes the permissions
   * `credentials.manage` and `members.manage`.
   *
   * @throws {@link RuleError} when the caller may not.
   * @throws {@link NotFoundError} when there is no such member.
   */
  requirePasswordChange(id: UserId): Promise<void>;

  /**
   * Ends the caller's account, memberships and sessions, for good.
   *
   * @throws {@link RuleError} while they are the last owner of an organization.
   */
  closeOwnAccount(): Promise<void>;

  /**
   * Shreds the caller: what is sealed about them opens nowhere any more, their name is
   * overwritten, and their address is free. Their id stays, and evidence of what they did.
   * Nobody undoes it. Takes a session that began within the last ten minutes.
   *
   * @returns from when on no backup has it either.
   * @throws {@link AuthenticationError} `recent_sign_in_required` in an older session.
   * @throws {@link RuleError} while they are the last owner of an organization, or a legal
   * hold keeps them.
   */
  eraseOwnAccount(): Promise<Date>;
}

/** The people in PostgreSQL, as the transaction's caller may see them. */
export function postgresUsers(tx: Transaction): UserRepository {
  const repository: UserRepository = {
    async find(id) {
      await tx.unlock();
      const rows = await queries.findUser.run({ userId: parseUserId(id) }, tx);
      return firstOrNull(rows, toUser);
    },

    async get(id) {
      return found(await repository.find(id), "user", id);
    },

    async exists(id) {
      return (await repository.find(id)) !== null;
    },

    async findByEmail(email) {
      const address = parseEmail(email);
      await tx.unlock();
      const rows = await queries.findUserByEmail.run({ email: address }, tx);
      return firstOrNull(rows, toUser);
    },

    async getSelf() {
      await tx.unlock();
      const rows = await queries.findOwnUser.run(undefined, tx);
      return found(firstOrNull(rows, toUser), "user", "myself");
    },

    list: (options = {}) =>
      readPage(options, {
        start: [BEFORE_ALL_IDS],
        pattern: [UUID_KEY],
        keyOf: (row: queries.ListUsersResult) => [row.id],
        read: async ([afterUserId], limit) => {
          await tx.unlock();
          return queries.listUsers.run({ afterUserId: afterUserId!, limit }, tx);
        },
        item: toUser,
      }),

    async listRecentlyActive({ since, limit }) {
      const window = { since: parseTime(since, "since"), limit: parseLimit(limit) };
      await tx.unlock();
      const rows = await queries.listRecentlyActiveUsers.run(window, tx);
      return rows.map(toUser);
    },

    async search(query, { limit = 20 } = {}) {
      // The database says which length is right; what is far from it need not travel.
      const typed = parseText(query, "query").slice(0, 400);
      const wanted = { query: typed.includes("@") ? foldEmail(typed.trim()) : typed, limit: parseLimit(limit) };
      await tx.unlock();
      const rows = await queries.searchUsers.run(wanted, tx);
      return rows.map(({ userId, ...match }) => ({ id: userId as UserId, ...match }));
    },

    async updateOwnProfile({ phoneNumber, ...changes }) {
      await tx.unlock();
      if (phoneNumber !== undefined) await queries.setOwnPhoneNumber.run({ phoneNumber }, tx);
      const rows = await queries.updateOwnProfile.run(
        {
          ...changes,
          setsJobTitle: changes.jobTitle !== undefined,
          setsAvatarUrl: changes.avatarUrl !== undefined,
        },
        tx,
      );
      return found(firstOrNull(rows, toUser), "user", "myself");
    },

    async requirePasswordChange(id) {
      await credentials.requirePasswordChange.run({ userId: parseUserId(id) }, tx);
    },

    async closeOwnAccount() {
      await queries.closeAccount.run(undefined, tx);
    },

    async eraseOwnAccount() {
      const [erased] = await queries.eraseOwnAccount.run(undefined, tx);
      return erased!.effectiveTime;
    },
  };
  return repository;
}

function toUser(row: queries.FindUserResult): User {
  return { ...row, id: row.id as UserId, status: row.status as UserStatus };
}
