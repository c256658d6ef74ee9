import { randomFillSync } from "node:crypto";

import { RuleError } from "./errors.js";

declare const kind: unique symbol;

/** An id that is not mistaken for another kind of id. In memory it is its text. */
export type Id<Kind extends string> = string & { readonly [kind]: Kind };

/** Which person. */
export type UserId = Id<"user">;

/** Which organization. */
export type OrganizationId = Id<"organization">;

/** Which session: a name for it, not the token that opens it. */
export type SessionId = Id<"session">;

/** Which role. */
export type RoleId = Id<"role">;

/** Which permission. */
export type PermissionId = Id<"permission">;

/** Which claim of an e-mail domain. */
export type DomainId = Id<"domain">;

/** Which security alert. */
export type AlertId = Id<"alert">;

/** Which entry of the audit trail. */
export type EventId = Id<"event">;

/** Which message to somebody. */
export type MessageId = Id<"message">;

/** Which device. */
export type DeviceId = Id<"device">;

/** Which cell, also where its schema is called otherwise. */
export type CellId = Id<"cell">;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseUserId = parser<UserId>("user");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseOrganizationId = parser<OrganizationId>("organization");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseSessionId = parser<SessionId>("session");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseRoleId = parser<RoleId>("role");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parsePermissionId = parser<PermissionId>("permission");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseDomainId = parser<DomainId>("domain");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseAlertId = parser<AlertId>("alert");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseEventId = parser<EventId>("event");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseDeviceId = parser<DeviceId>("device");

/** @throws {@link RuleError} `id_malformed` when the text is no uuid. */
export const parseCellId = parser<CellId>("cell");

/**
 * A new id, ordered by time, as the database makes them: given by the client, an
 * insert that is tried twice is one insert. Version 7 of RFC 9562.
 */
export function newId<Kind extends string>(): Id<Kind> {
  const bytes = randomFillSync(Buffer.alloc(16));
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);

  return bytes
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5") as Id<Kind>;
}

function parser<Parsed extends Id<string>>(name: string): (text: string) => Parsed {
  return (text) => {
    if (typeof text !== "string" || !UUID.test(text)) {
      throw new RuleError("id_malformed", `${describe(text)} is no ${name} id`, {
        remedy: `Pass the uuid that the ${name} was created or listed with`,
      });
    }
    return text.toLowerCase() as Parsed;
  };
}

/** What was passed, unless it may be a secret. */
function describe(value: unknown): string {
  if (typeof value !== "string") return `a value of type ${value === null ? "null" : typeof value}`;
  if (/^sp[a-z]_/.test(value)) return "a token";
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
}
