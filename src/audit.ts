import { exportEvidence, parsePeriod, type ExportOptions, type ExportSource } from "./audit-export.js";
import { RuleError } from "./errors.js";
import { found, firstOrNull } from "./found.js";
import {
  parseAlertId,
  parseEventId,
  parseOrganizationId,
  parseUserId,
  type AlertId,
  type DeviceId,
  type EventId,
  type Id,
  type OrganizationId,
  type SessionId,
  type UserId,
} from "./ids.js";
import { BEFORE_ALL_IDS, parseLimit, readPage, TIME_KEY, UUID_KEY, type Page, type PageOptions } from "./pages.js";
import { parseNetwork, parseText, parseTime, parseUuid } from "./parameters.js";
import * as attempts from "./queries/access_attempt_logs.js";
import * as events from "./queries/auth_audit_logs.js";
import * as changes from "./queries/data_change_logs.js";
import * as alerts from "./queries/security_alerts.js";
import { SEALED_FIELDS } from "./sealed-fields.js";
import type { Transaction } from "./transaction.js";

/** Where attempts came from. */
const IP_ADDRESS = SEALED_FIELDS["access_attempt_logs.ip_address"];

/** How something ended. */
export type EventResult = "success" | "failure" | "denied";

/** Something that people or services did. */
export interface AuditEvent {
  readonly id: EventId;
  readonly eventTime: Date;

  /** Subject and past participle: `session.opened`. */
  readonly eventType: string;

  /** Whom it happened to. */
  readonly userId: UserId | null;

  /** Who did it; `null` before anyone is signed in. */
  readonly actingUserId: UserId | null;
  readonly organizationId: OrganizationId | null;
  readonly sessionId: SessionId | null;

  /** As the application says. */
  readonly ipAddress: string | null;

  /** As the application says. */
  readonly userAgent: string | null;
  readonly deviceId: DeviceId | null;
  readonly result: EventResult;

  /** `null` on success. */
  readonly failureReason: string | null;
  readonly resourceType: string | null;
  readonly resourceId: string | null;
  readonly additionalData: Readonly<Record<string, unknown>>;

  /** Which login of the database it came from. `null` for all but an auditor. */
  readonly loginName: string | null;
}

/** How an attempt to sign in ended. */
export type AttemptResult = "success" | "invalid" | "throttled" | "disabled" | "abandoned";

/** Somebody's attempt to sign in. */
export interface AccessAttempt {
  readonly id: Id<"attempt">;

  /** `null` for an address that nobody has. */
  readonly userId: UserId | null;

  /** What was typed; `null` once the person was erased, and for whoever opens nothing. */
  readonly email: string | null;

  /** Where from; `null` also when it was not said. */
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly attemptTime: Date;
  readonly result: AttemptResult;

  /** `null` for a password. */
  readonly identityProviderId: string | null;
  readonly additionalData: Readonly<Record<string, unknown>>;

  /** Which login of the database it came from. `null` for all but an auditor. */
  readonly loginName: string | null;
}

/** What became of a row. */
export interface DataChange {
  readonly id: Id<"change">;
  readonly eventTime: Date;
  readonly organizationId: OrganizationId | null;

  /** `null` when nobody was signed in. */
  readonly actingUserId: UserId | null;
  readonly sessionId: SessionId | null;
  readonly tableName: string;

  /** Which row; of a link table, the row on its far side. */
  readonly rowId: string;
  readonly operation: "insert" | "update" | "delete";

  /** The changed columns before; what is personal or secret reads `[redacted]`. */
  readonly oldValues: Readonly<Record<string, unknown>> | null;

  /** The changed columns after. */
  readonly newValues: Readonly<Record<string, unknown>> | null;

  /** Which login of the database it came from. `null` for all but an auditor. */
  readonly loginName: string | null;
}

/** How bad it is. */
export type AlertSeverity = "low" | "medium" | "high" | "critical";

/** Something that somebody has to look at. */
export interface SecurityAlert {
  readonly id: AlertId;

  /** `null` when it is the cell's. */
  readonly organizationId: OrganizationId | null;
  readonly userId: UserId | null;
  readonly sessionId: SessionId | null;

  /** What was detected: `refresh_token_reused`. */
  readonly alertType: string;
  readonly severity: AlertSeverity;
  readonly status: "open" | "acknowledged" | "resolved";

  /** What was seen: ids and numbers. */
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly creationTime: Date;
  readonly lastUpdateTime: Date;
  readonly resolvedBy: UserId | null;
  readonly resolutionTime: Date | null;
  readonly resolutionNote: string | null;
}

/** A part of the past. Without it: all of it. */
export interface PeriodOptions extends PageOptions {
  /** Nothing recorded before this. @defaultValue the beginning */
  readonly since?: Date | undefined;

  /** Nothing recorded from this on. @defaultValue now */
  readonly until?: Date | undefined;
}

/** Which events. What narrows by time, person or organization is looked up; the rest is sifted. */
export interface EventFilter extends PeriodOptions {
  /** Those that happened to one person. */
  readonly userId?: UserId | undefined;

  /** Those that one person did. */
  readonly actingUserId?: UserId | undefined;

  /** Those of one type: `role.assigned`. */
  readonly eventType?: string | undefined;

  /** Those that ended so. */
  readonly result?: EventResult | undefined;

  /** Those about one thing. */
  readonly resourceId?: string | undefined;

  /** For an auditor: those of one organization. Others see their own anyway. */
  readonly organizationId?: OrganizationId | undefined;
}

/** Which attempts. */
export interface AttemptFilter extends PeriodOptions {
  /** Those that ended so, or in one of several ways. */
  readonly result?: AttemptResult | readonly AttemptResult[] | undefined;
}

/** Which changes. */
export interface ChangeFilter extends PeriodOptions {
  /** Those of one row. */
  readonly rowId?: string | undefined;

  /** Those of one table. */
  readonly tableName?: string | undefined;

  /** Those one person made. */
  readonly actingUserId?: UserId | undefined;

  /** For an auditor: those of one organization. Others see their own anyway. */
  readonly organizationId?: OrganizationId | undefined;
}

/** A period with both its ends: at most 400 days. */
export interface Period {
  /** Nothing recorded before this. */
  readonly since: Date;

  /** Nothing recorded from this on. */
  readonly until: Date;
}

/** What happened in a period, in numbers, for a report. */
export interface EvidenceSummary {
  readonly events: number;
  readonly signIns: number;

  /** What somebody tried and did not manage. */
  readonly failures: number;

  /** What somebody tried and may not. */
  readonly denials: number;

  /** Roles given, taken, changed or deleted, and ownership that changed hands. */
  readonly permissionChanges: number;

  /** People who joined, left, were removed or suspended. */
  readonly membershipChanges: number;
  readonly passwordChanges: number;
  readonly exports: number;

  /** Alerts nobody has resolved by now: 1000 means at least so many. */
  readonly openAlerts: number;
}

/**
 * The evidence: what people did, who tried to sign in, what became of rows, and what
 * somebody has to look at. With the permission `audit.read` it is the organization's, else
 * what was done to oneself and in one's name; alerts take `alerts.manage`.
 *
 * Nobody writes here. Each function of the database records what it does, in the same
 * transaction; nothing is ever changed or deleted.
 */
export interface AuditRepository {
  /**
   * The event, or `null` when there is none that the caller may see.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  findEvent(id: EventId): Promise<AuditEvent | null>;

  /**
   * The event.
   *
   * @throws {@link NotFoundError} `event_not_found`.
   * @throws {@link RuleError} `id_malformed`.
   */
  getEvent(id: EventId): Promise<AuditEvent>;

  /**
   * Events, the newest first.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid`, `time_invalid` or `id_malformed`.
   */
  listEvents(filter?: EventFilter): Promise<Page<AuditEvent>>;

  /**
   * How many events of each type there were. Reads the period's events.
   *
   * @throws {@link RuleError} `period_invalid`, `period_too_long` or `time_invalid`.
   */
  countEventsByType(period: Period): Promise<ReadonlyMap<string, number>>;

  /**
   * How many events ended how. Reads the period's events.
   *
   * @throws {@link RuleError} `period_invalid`, `period_too_long` or `time_invalid`.
   */
  countEventsByResult(period: Period): Promise<ReadonlyMap<EventResult, number>>;

  /**
   * To whom most happened, the most first. Reads the period's events.
   *
   * @throws {@link RuleError} `period_invalid`, `period_too_long`, `time_invalid` or `limit_out_of_range`.
   */
  countEventsByUser(
    period: Period & {
      /** The most people to name, from 1 to 100. @defaultValue 50 */
      readonly limit?: number | undefined;
    },
  ): Promise<ReadonlyMap<UserId, number>>;

  /**
   * A period in numbers, for a report to whoever answers for the organization (HIPAA
   * 164.308(a)(1)(ii)(D), information system activity review). Reads the period's events.
   *
   * @throws {@link RuleError} `period_invalid`, `period_too_long` or `time_invalid`.
   */
  summarize(period: Period): Promise<EvidenceSummary>;

  /**
   * The caller's own attempts to sign in, the newest first.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid` or `time_invalid`.
   */
  listOwnAttempts(filter?: AttemptFilter): Promise<Page<AccessAttempt>>;

  /**
   * Somebody's attempts to sign in, the newest first. An auditor sees anybody's; others
   * see their own.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid`, `time_invalid` or `id_malformed`.
   */
  listAttemptsOfUser(id: UserId, filter?: AttemptFilter): Promise<Page<AccessAttempt>>;

  /**
   * Attempts from one network address, the newest first. An auditor who opens what is sealed
   * sees all; others see their own.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid`, `time_invalid` or `network_malformed`.
   */
  listAttemptsFrom(ipAddress: string, filter?: AttemptFilter): Promise<Page<AccessAttempt>>;

  /**
   * What became of rows, the newest first.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid`, `time_invalid` or `id_malformed`.
   */
  listChanges(filter?: ChangeFilter): Promise<Page<DataChange>>;

  /**
   * The alert, or `null` when there is none that the caller may see.
   *
   * @throws {@link RuleError} `id_malformed`.
   */
  findAlert(id: AlertId): Promise<SecurityAlert | null>;

  /**
   * The alert.
   *
   * @throws {@link NotFoundError} `alert_not_found`.
   * @throws {@link RuleError} `id_malformed`.
   */
  getAlert(id: AlertId): Promise<SecurityAlert>;

  /**
   * Alerts that nobody has resolved, the newest first. What became of the others is in
   * the events.
   *
   * @throws {@link RuleError} `limit_out_of_range` or `cursor_invalid`.
   */
  listOpenAlerts(
    filter?: PageOptions & {
      /** Those as bad as this. */
      readonly severity?: AlertSeverity | undefined;
      /** For an auditor: those of one organization. */
      readonly organizationId?: OrganizationId | undefined;
    },
  ): Promise<Page<SecurityAlert>>;

  /**
   * Alerts about somebody, resolved ones included, the newest first.
   *
   * @throws {@link RuleError} `limit_out_of_range`, `cursor_invalid` or `id_malformed`.
   */
  listAlertsAbout(id: UserId, options?: PageOptions): Promise<Page<SecurityAlert>>;

  /**
   * Opens an alert by hand, for what no rule detects. It is of the type `reported`, with the
   * reason and the caller as its evidence. Takes the permission `alerts.manage`.
   *
   * @throws {@link RuleError} when the caller may not, or `word_unknown`.
   * @throws {@link NotFoundError} `member_not_found`.
   */
  reportAlert(alert: {
    /** What was seen, as a word: `shared_password`. */
    readonly reason: string;
    readonly severity: AlertSeverity;
    /** About which member. @defaultValue nobody in particular */
    readonly userId?: UserId | undefined;
  }): Promise<AlertId>;

  /**
   * Says that somebody is looking at an alert. Takes the permission `alerts.manage`.
   *
   * @throws {@link RuleError} when the caller may not.
   * @throws {@link NotFoundError} `alert_not_found` when there is no such open alert.
   */
  acknowledgeAlert(id: AlertId): Promise<void>;

  /**
   * Closes an alert with a note on what came of it. Takes the permission `alerts.manage`.
   *
   * @throws {@link RuleError} when the caller may not.
   * @throws {@link NotFoundError} `alert_not_found` when there is no such unresolved alert.
   */
  resolveAlert(id: AlertId, note: string): Promise<void>;

  /**
   * Writes down that the application refused something. What the database refuses is
   * written down by itself.
   *
   * @throws {@link RuleError} when action or reason are no words.
   */
  recordDenial(denial: {
    /** What was asked for, as a word: `invoice.delete`. */
    readonly action: string;
    /** Why it was refused, as a word: `not_the_author`. */
    readonly reason: string;
  }): Promise<void>;

  /**
   * The evidence of a period as text, in pieces, to be written to a file as they come. Takes
   * the permission `audit.read`, and is itself an event: once before the first piece, once
   * at the end with the number of rows. Let its transaction commit, or that record is lost.
   *
   * Attempts are the cell's: only an auditor exports them.
   *
   * @throws {@link RuleError} when the caller may not, `period_invalid`, `time_invalid` or
   * `word_unknown`; all of it when the first piece is asked for.
   */
  export(options: ExportOptions): AsyncIterable<string>;
}

/** As whom evidence is read. */
export interface PostgresAuditOptions {
  /**
   * `session`: as the caller of `withSession`. `auditor`: over a connection of
   * `safetypin_auditor`, which is nobody's session and sees the whole cell.
   *
   * @defaultValue `session`
   */
  readonly as?: "session" | "auditor" | undefined;

  /**
   * Whether what is sealed of attempts is opened. An auditor who has no keys says no, reads
   * `null` for addresses, and finds no attempts by them.
   *
   * @defaultValue true
   */
  readonly opens?: boolean | undefined;
}

/** The evidence in PostgreSQL, as the transaction's caller may see it. */
export function postgresAudit(
  tx: Transaction,
  { as = "session", opens = true }: PostgresAuditOptions = {},
): AuditRepository {
  /** Attempts, opened if they are to be, each with the login it came from. */
  const readAttempts = async <Row extends Recorded>(read: () => Promise<readonly Row[]>) => {
    if (opens) await tx.unlock();
    return withLogins(attempts.findLoginsOfAttempts, await read());
  };

  /** Rows with the login each came from, for an auditor; tenants may not ask. */
  const withLogins = async <Row extends Recorded>(query: LoginQuery, rows: readonly Row[]) => {
    const first = rows[0];
    const last = rows.at(-1);
    if (as !== "auditor" || first === undefined || last === undefined) {
      return rows.map((row) => ({ ...row, loginName: null }));
    }
    const ids = rows.map(({ id }) => id);
    const logins = await query.run({ ids, since: last.position, until: first.position }, tx);
    const names = new Map(logins.map(({ id, loginName }) => [id, loginName]));
    return rows.map((row) => ({ ...row, loginName: names.get(row.id) ?? null }));
  };

  const repository: AuditRepository = {
    async findEvent(id) {
      const eventId = parseEventId(id);
      const rows = await events.findEvent.run({ eventId, ...around(eventId) }, tx);
      return firstOrNull(await withLogins(events.findLoginsOfEvents, rows), toEvent);
    },

    async getEvent(id) {
      return found(await repository.findEvent(id), "event", id);
    },

    listEvents: async ({ userId, actingUserId, organizationId, resourceId, ...filter } = {}) => {
      const shared = { eventType: word(filter.eventType), result: word(filter.result) };
      const others = {
        actingUserId: optional(actingUserId, parseUserId),
        organizationId: optional(organizationId, parseOrganizationId),
        resourceId: optional(resourceId, parseUuid),
      };
      if (userId === undefined) {
        return readPeriod(filter, toEvent, async (window) =>
          withLogins(events.findLoginsOfEvents, await events.listEvents.run({ ...shared, ...others, ...window }, tx)),
        );
      }
      const person = parseUserId(userId);
      return readPeriod(filter, toEvent, async (window) =>
        withLogins(events.findLoginsOfEvents, await events.listUserEvents.run({ ...shared, ...others, userId: person, ...window }, tx)),
      );
    },

    async countEventsByType(period) {
      const rows = await events.countEventsByType.run(bounded(period), tx);
      return new Map(rows.map(({ eventType, count }) => [eventType, count]));
    },

    async countEventsByResult(period) {
      const rows = await events.countEventsByResult.run(bounded(period), tx);
      return new Map(rows.map(({ result, count }) => [result as EventResult, count]));
    },

    async countEventsByUser({ limit, ...period }) {
      const rows = await events.countEventsByUser.run(
        { ...bounded(period), limit: parseLimit(limit) },
        tx,
      );
      return new Map(rows.map(({ userId, count }) => [userId as UserId, count]));
    },

    async summarize(period) {
      const [summary] = await events.summarizeEvents.run(bounded(period), tx);
      const [open] = await alerts.countOpenAlerts.run({ limit: 1000 }, tx);
      return { ...summary!, openAlerts: open!.count };
    },

    listOwnAttempts: async (filter = {}) =>
      readPeriod(filter, toAttempt, (window) =>
        readAttempts(() => attempts.listOwnAttempts.run({ opens, results: resultsOf(filter), ...window }, tx)),
      ),

    listAttemptsOfUser: async (id, filter = {}) => {
      const userId = parseUserId(id);
      return readPeriod(filter, toAttempt, (window) =>
        readAttempts(() => attempts.listUserAttempts.run({ userId, opens, results: resultsOf(filter), ...window }, tx)),
      );
    },

    listAttemptsFrom: async (address, filter = {}) => {
      const ipAddress = parseNetwork(address);
      return readPeriod(filter, toAttempt, (window) => {
        const asked = { ipAddress, opens, results: resultsOf(filter), ...window };
        return readAttempts<attempts.ListAttemptsFromAddressResult>(() =>
          as === "auditor"
            ? attempts.listAttemptsFromAddress.run(asked, tx)
            : attempts.listOwnAttemptsFromAddress.run({ ...asked, ipAddressField: IP_ADDRESS.fieldId }, tx),
        );
      });
    },

    listChanges: async ({ rowId, actingUserId, organizationId, tableName, ...filter } = {}) => {
      const others = {
        actingUserId: optional(actingUserId, parseUserId),
        organizationId: optional(organizationId, parseOrganizationId),
        tableName: word(tableName),
      };
      if (rowId === undefined) {
        return readPeriod(filter, toChange, async (window) =>
          withLogins(changes.findLoginsOfChanges, await changes.listChanges.run({ ...others, ...window }, tx)),
        );
      }
      const row = parseUuid(rowId);
      return readPeriod(filter, toChange, async (window) =>
        withLogins(changes.findLoginsOfChanges, await changes.listRowChanges.run({ ...others, rowId: row, ...window }, tx)),
      );
    },

    async findAlert(id) {
      return firstOrNull(await alerts.findAlert.run({ alertId: parseAlertId(id) }, tx), toAlert);
    },

    async getAlert(id) {
      return found(await repository.findAlert(id), "alert", id);
    },

    listOpenAlerts: async ({ severity, organizationId, ...options } = {}) => {
      const filter = {
        severity: word(severity),
        organizationId: optional(organizationId, parseOrganizationId),
      };
      return readPage(options, {
        ...NEWEST_FIRST,
        item: toAlert,
        read: ([beforeTime, beforeId], limit) =>
          alerts.listOpenAlerts.run(
            { ...filter, beforeTime: beforeTime!, beforeId: beforeId!, limit },
            tx,
          ),
      });
    },

    listAlertsAbout: async (id, options = {}) => {
      const userId = parseUserId(id);
      return readPage(options, {
        ...NEWEST_FIRST,
        item: toAlert,
        read: ([beforeTime, beforeId], limit) =>
          alerts.listUserAlerts.run(
            { userId, beforeTime: beforeTime!, beforeId: beforeId!, limit },
            tx,
          ),
      });
    },

    async reportAlert({ reason, severity, userId }) {
      const [row] = await alerts.reportAlert.run(
        { reason: parseText(reason, "reason"), severity, userId: optional(userId, parseUserId) },
        tx,
      );
      return row!.alertId as AlertId;
    },

    async acknowledgeAlert(id) {
      await alerts.acknowledgeAlert.run({ alertId: parseAlertId(id) }, tx);
    },

    async resolveAlert(id, note) {
      await alerts.resolveAlert.run({ alertId: parseAlertId(id), note: parseText(note, "note") }, tx);
    },

    async recordDenial({ action, reason }) {
      await events.recordDenial.run(
        { action: parseText(action, "action"), reason: parseText(reason, "reason") },
        tx,
      );
    },

    export: (options) =>
      exportEvidence(options, as === "auditor" ? cellEvidence(tx, opens) : ownEvidence(tx)),
  };
  return repository;
}

/** What the newest comes first in: the time it was recorded at, then the id. */
const NEWEST_FIRST = {
  start: ["infinity", BEFORE_ALL_IDS],
  pattern: [TIME_KEY, UUID_KEY],
  keyOf: (row: { readonly position: string; readonly id: string }) => [row.position, row.id],
};

interface Window {
  readonly since: Date | string;
  readonly beforeTime: string;
  readonly beforeId: string;
  readonly limit: number;
}

/** What every row of evidence has. */
interface Recorded {
  readonly id: string;
  readonly position: string;
}

/** Which login each of some rows came from; one such query for each log. */
interface LoginQuery {
  run(
    window: { readonly ids: string[]; readonly since: string; readonly until: string },
    tx: Transaction,
  ): Promise<{ readonly id: string; readonly loginName: string }[]>;
}

function readPeriod<Row extends Recorded, Item>(
  { since, until, after, limit }: PeriodOptions,
  item: (row: Row) => Item,
  read: (window: Window) => Promise<readonly Row[]>,
): Promise<Page<Item>> {
  const earliest = since === undefined ? "-infinity" : parseTime(since, "since");
  const latest = until === undefined ? "infinity" : parseTime(until, "until").toISOString();
  return readPage(
    { after, limit },
    {
      ...NEWEST_FIRST,
      start: [latest, BEFORE_ALL_IDS],
      read: ([beforeTime, beforeId], size) =>
        read({ since: earliest, beforeTime: beforeTime!, beforeId: beforeId!, limit: size }),
      item,
    },
  );
}

/** The most days whose events are counted in one go. */
const LONGEST_PERIOD = 400 * 24 * 60 * 60 * 1000;

function bounded({ since, until }: Period): Period {
  parsePeriod({ since, until });
  if (until.getTime() - since.getTime() > LONGEST_PERIOD) {
    throw new RuleError("period_too_long", "the period is longer than 400 days", {
      remedy: "Ask for a year at a time and add the numbers up",
    });
  }
  return { since, until };
}

/** When an event with this id was recorded: version 7 of RFC 9562 begins with the time. */
function around(id: EventId): { since: Date; until: Date } {
  const time = Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
  return { since: new Date(time - 60_000), until: new Date(time + 60_000) };
}

/** An organization's evidence, the newest first: the way its index goes. */
function ownEvidence(tx: Transaction): ExportSource {
  return {
    async record({ stream, format, since, until }, rowCount) {
      if (stream === "attempts") {
        throw new RuleError("permission_required", "attempts to sign in are the cell's", {
          remedy: "Export them over a connection of safetypin_auditor",
        });
      }
      await events.recordExport.run({ stream, format, since, until, rowCount }, tx);
    },

    async read({ stream, since, until }, last, limit) {
      const window = {
        since,
        beforeTime: last === null ? until : String(last["position"]),
        beforeId: last?.id ?? BEFORE_ALL_IDS,
        limit,
      };
      const query = stream === "events" ? events.listEvents : changes.listChanges;
      return (await query.run(window, tx)).map((row) => ({ ...row }));
    },
  };
}

/** The cell's evidence, the oldest first. */
function cellEvidence(tx: Transaction, opens: boolean): ExportSource {
  return {
    async record({ stream, format, since, until }, rowCount) {
      await events.recordAuditorExport.run({ stream, format, since, until, rowCount }, tx);
    },

    async read({ stream, since, until }, last, limit) {
      const window = { since, until, afterId: last?.id ?? BEFORE_ALL_IDS, limit };
      if (stream === "attempts") {
        if (opens) await tx.unlock();
        return (await attempts.listAllAttempts.run({ ...window, opens }, tx)).map((row) => ({ ...row }));
      }
      const query = stream === "events" ? events.listAllEvents : changes.listAllChanges;
      return (await query.run(window, tx)).map((row) => ({ ...row }));
    },
  };
}

/** The results asked for; `null` for all. */
function resultsOf({ result }: AttemptFilter): string[] | null {
  if (result === undefined) return null;
  return (typeof result === "string" ? [result] : result).map((one) => parseText(one, "result"));
}

const word = (text: string | undefined) => (text === undefined ? null : parseText(text, "filter"));

function optional<Value, Parsed>(value: Value | undefined, parse: (value: Value) => Parsed): Parsed | null {
  return value === undefined ? null : parse(value);
}

type Data = Readonly<Record<string, unknown>>;

type Named = Pick<AuditEvent, "loginName">;

function toEvent({ position: _, ...row }: events.ListEventsResult & Named): AuditEvent {
  return {
    ...row,
    id: row.id as EventId,
    userId: row.userId as UserId | null,
    actingUserId: row.actingUserId as UserId | null,
    organizationId: row.organizationId as OrganizationId | null,
    sessionId: row.sessionId as SessionId | null,
    deviceId: row.deviceId as DeviceId | null,
    result: row.result as EventResult,
    additionalData: row.additionalData as Data,
  };
}

function toAttempt({ position: _, ...row }: attempts.ListOwnAttemptsResult & Named): AccessAttempt {
  return {
    ...row,
    id: row.id as Id<"attempt">,
    userId: row.userId as UserId | null,
    result: row.result as AttemptResult,
    additionalData: row.additionalData as Data,
  };
}

function toChange({ position: _, ...row }: changes.ListChangesResult & Named): DataChange {
  return {
    ...row,
    id: row.id as Id<"change">,
    organizationId: row.organizationId as OrganizationId | null,
    actingUserId: row.actingUserId as UserId | null,
    sessionId: row.sessionId as SessionId | null,
    operation: row.operation as DataChange["operation"],
    oldValues: row.oldValues as Data | null,
    newValues: row.newValues as Data | null,
  };
}

function toAlert({ position: _, ...row }: alerts.FindAlertResult): SecurityAlert {
  return {
    ...row,
    id: row.id as AlertId,
    organizationId: row.organizationId as OrganizationId | null,
    userId: row.userId as UserId | null,
    sessionId: row.sessionId as SessionId | null,
    severity: row.severity as AlertSeverity,
    status: row.status as SecurityAlert["status"],
    evidence: row.evidence as Data,
    resolvedBy: row.resolvedBy as UserId | null,
  };
}
