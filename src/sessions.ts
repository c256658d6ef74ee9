import { found, firstOrNull } from "./found.js";
import {
  parseDeviceId,
  parseSessionId,
  parseUserId,
  type DeviceId,
  type OrganizationId,
  type SessionId,
  type UserId,
} from "./ids.js";
import { BEFORE_ALL_IDS, readPage, TIME_KEY, UUID_KEY, type Page, type PageOptions } from "./pages.js";
import { parseJsonObject, parseNetwork } from "./parameters.js";
import * as queries from "./queries/sessions.js";
import type { Transaction } from "./transaction.js";

/** A session, as the caller may see it: never its tokens. */
export interface Session {
  readonly id: SessionId;
  readonly userId: UserId;

  /** `null` before an organization is chosen. */
  readonly organizationId: OrganizationId | null;

  /** How well they proved who they are: 1 to 3 (NIST SP 800-63B-4). */
  readonly assuranceLevel: number;

  /** With what: `password`, `webauthn`, … */
  readonly authenticationMethods: readonly string[];

  /** Whether a second factor was given. */
  readonly isMfaComplete: boolean;
  readonly creationTime: Date;

  /** When it ends at the latest. */
  readonly expirationTime: Date;

  /** When it was last used, to the minute. */
  readonly lastActivityTime: Date;

  /** When it ends unless it is used: the earlier of the absolute and the idle limit. */
  readonly endTime: Date;

  /** Where it began, as the application says. */
  readonly ipAddress: string | null;

  /** What it began with, as the application says. */
  readonly userAgent: string | null;
  readonly deviceId: DeviceId | null;

  /** Whether somebody ended it. */
  readonly revoked: boolean;
  readonly revocationTime: Date | null;
  readonly revocationReason: string | null;

  /** A small object of the application's own. */
  readonly sessionData: Readonly<Record<string, unknown>>;

  /** Whether it is the one that asks. */
  readonly isCurrent: boolean;
}

/** Which sessions. */
export interface SessionFilter extends PageOptions {
  /** Those of one device. */
  readonly deviceId?: DeviceId | undefined;

  /** Those that began in this network, such as `192.0.2.0/24`, or at this address. */
  readonly network?: string | undefined;
}

/**
 * Who is signed in: one's own sessions in whichever organization, and with the permission
 * `sessions.read` those of the organization's members.
 *
 * Sessions begin by signing in, go on by refreshing and end here. Refresh tokens have no
 * rows that anybody may see: they live and die with their session.
 */
export interface SessionRepository {
  /**
   * The session, ended or not, or `null` when there is none that the caller may see.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  find(id: SessionId): Promise<Session | null>;

  /**
   * The session, ended or not.
   *
   * @throws {@link NotFoundError} `session_not_found`.
   * @throws {@link RuleError} `id_malformed`.
   */
  get(id: SessionId): Promise<Session>;

  /**
   * The session that asks.
   *
   * @throws {@link NotFoundError} `session_not_found` when nobody is signed in.
   */
  getCurrent(): Promise<Session>;

  /**
   * Whether the session is there and neither revoked nor over.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  isLive(id: SessionId): Promise<boolean>;

  /**
   * The caller's sessions that are neither revoked nor over, the newest first. One in
   * another organization that this organization's rules cannot see into may be shown
   * although it was voided there.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid`, `id_malformed` or `network_malformed`.
   */
  listOwn(filter?: SessionFilter): Promise<Page<Session>>;

  /**
   * A member's sessions in this organization that are neither revoked nor over, the newest
   * first. Without the permission `sessions.read` there are none but one's own.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid`, `id_malformed` or `network_malformed`.
   */
  listForMember(id: UserId, filter?: SessionFilter): Promise<Page<Session>>;

  /**
   * The sessions in this organization that are neither revoked nor over, member by member;
   * with a filter, all of them are looked at. Without the permission `sessions.read` there are none but one's own.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid`, `id_malformed` or `network_malformed`.
   */
  list(filter?: SessionFilter): Promise<Page<Session>>;

  /**
   * Ends one of the caller's own sessions, its refresh tokens with it.
   *
   * @throws {@link NotFoundError} `session_not_found` when it is not theirs or has ended.
   * @throws {@link RuleError} `id_malformed`.
   */
  revoke(id: SessionId): Promise<void>;

  /**
   * Ends all of the caller's sessions but this one, and returns how many that was.
   *
   * @throws {@link RuleError} `id_malformed`.
   * @throws {@link AuthenticationError} when nobody is signed in.
   */
  revokeOthers(options?: {
    /** Those that go on as well: other devices of theirs, as they say. @defaultValue none */
    readonly except?: readonly SessionId[] | undefined;
  }): Promise<number>;

  /**
   * Ends every session of the caller, this one included, and returns how many that was.
   * What this transaction does after that still happens.
   *
   * @throws {@link AuthenticationError} when nobody is signed in.
   */
  revokeAll(): Promise<number>;

  /**
   * Voids all sessions a member has in this organization, at once and whatever their
   * number. Takes the permission `sessions.revoke`.
   *
   * @throws {@link RuleError} when the caller may not, or `id_malformed`.
   * @throws {@link NotFoundError} `member_not_found`.
   */
  revokeAllOfMember(id: UserId): Promise<void>;

  /**
   * Keeps a small object of the application's own with the session that asks, in place of
   * what was kept before. At most 4096 bytes as JSON.
   *
   * @throws {@link RuleError} when it is no object or too large.
   * @throws {@link AuthenticationError} when nobody is signed in.
   */
  setData(data: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Sessions in PostgreSQL, as the transaction's caller may see them. */
export function postgresSessions(tx: Transaction): SessionRepository {
  const repository: SessionRepository = {
    async find(id) {
      const rows = await queries.findSession.run({ sessionId: parseSessionId(id) }, tx);
      return firstOrNull(rows, toSession);
    },

    async get(id) {
      return found(await repository.find(id), "session", id);
    },

    async getCurrent() {
      const rows = await queries.findCurrentSession.run(undefined, tx);
      return found(firstOrNull(rows, toSession), "session", "of this request");
    },

    async isLive(id) {
      const session = await repository.find(id);
      return session !== null && !session.revoked && session.endTime.getTime() > Date.now();
    },

    listOwn: async ({ deviceId, network, ...options } = {}) => {
      const filter = parseFilter(deviceId, network);
      return readPage(options, {
        ...NEWEST_FIRST,
        read: ([beforeTime, beforeId], limit) =>
          queries.listOwnSessions.run(
            { ...filter, beforeTime: beforeTime!, beforeId: beforeId!, limit },
            tx,
          ),
      });
    },

    listForMember: async (id, { deviceId, network, ...options } = {}) => {
      const filter = { ...parseFilter(deviceId, network), userId: parseUserId(id) };
      return readPage(options, {
        ...NEWEST_FIRST,
        read: ([beforeTime, beforeId], limit) =>
          queries.listMemberSessions.run(
            { ...filter, beforeTime: beforeTime!, beforeId: beforeId!, limit },
            tx,
          ),
      });
    },

    list: async ({ deviceId, network, ...options } = {}) => {
      const filter = parseFilter(deviceId, network);
      const isFiltered = deviceId !== undefined || network !== undefined;
      return readPage(options, {
        start: [BEFORE_ALL_IDS, BEFORE_ALL_IDS],
        pattern: [UUID_KEY, UUID_KEY],
        keyOf: (row: queries.ListOrganizationSessionsResult) => [row.userId, row.id],
        read: ([afterUserId, afterId], limit) =>
          isFiltered
            ? queries.siftOrganizationSessions.run(
                { ...filter, afterUserId: afterUserId!, afterId: afterId!, limit },
                tx,
              )
            : queries.listOrganizationSessions.run(
                { afterUserId: afterUserId!, afterId: afterId!, limit },
                tx,
              ),
        item: toSession,
      });
    },

    async revoke(id) {
      await queries.revokeSession.run({ sessionId: parseSessionId(id) }, tx);
    },

    async revokeOthers({ except = [] } = {}) {
      const [row] = await queries.revokeOtherSessions.run({ except: except.map((id) => parseSessionId(id)) }, tx);
      return row!.revoked;
    },

    async revokeAll() {
      const [row] = await queries.revokeAllSessions.run(undefined, tx);
      return row!.revoked;
    },

    async revokeAllOfMember(id) {
      await queries.revokeMemberSessions.run({ userId: parseUserId(id) }, tx);
    },

    async setData(data) {
      await queries.setSessionData.run({ sessionData: parseJsonObject(data, "session data") }, tx);
    },
  };
  return repository;
}

const NEWEST_FIRST = {
  start: ["infinity", BEFORE_ALL_IDS],
  pattern: [TIME_KEY, UUID_KEY],
  keyOf: (row: queries.FindSessionResult) => [row.position, row.id],
  item: toSession,
};

function parseFilter(device: DeviceId | undefined, network: string | undefined) {
  return {
    deviceId: device === undefined ? null : parseDeviceId(device),
    network: network === undefined ? null : parseNetwork(network),
  };
}

function toSession({ position: _, ...row }: queries.FindSessionResult): Session {
  return {
    ...row,
    id: row.id as SessionId,
    userId: row.userId as UserId,
    organizationId: row.organizationId as OrganizationId | null,
    deviceId: row.deviceId as DeviceId | null,
    sessionData: row.sessionData as Readonly<Record<string, unknown>>,
  };
}
