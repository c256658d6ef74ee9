import type { PoolConfig } from "pg";

import { ConfigurationError } from "./errors.js";

/** What an address says of TLS, in the words of libpq. */
export interface TlsParameters {
  readonly sslmode?: string | undefined;
  readonly sslrootcert?: string | undefined;
  readonly sslcert?: string | undefined;
  readonly sslkey?: string | undefined;

  /** The driver's own: `true`, `false` or `no-verify`. */
  readonly ssl?: string | undefined;
}

const TLS_PARAMETERS = ["sslmode", "sslrootcert", "sslcert", "sslkey", "ssl"] as const;

/**
 * What libpq would see to, the driver does not, and we do neither; with the values that ask
 * for no more than is done anyway.
 */
const UNKEPT: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ["disable", "prefer"],
  gssencmode: ["disable", "prefer"],
  require_auth: [],
  requirepeer: [],
  ssl_min_protocol_version: ["TLSv1", "TLSv1.1", "TLSv1.2"],
  sslcrl: [],
  sslcrldir: [],
};

/** An address taken apart: what the driver is told, and what is said of TLS. */
export interface ReadAddress {
  /** The options given, with the address's parts in place of the address. */
  readonly config: PoolConfig;
  readonly tls: TlsParameters;
}

/**
 * Takes the address among the driver's options apart. What it says goes before what the
 * options say, as the driver has it. No whole address with a password in it is left over
 * for somebody to print.
 *
 * @throws {@link ConfigurationError} when it is none, without the password in it; or when it
 * asks for what would not be done.
 */
export function readAddress(given: PoolConfig, origin = "connectionString"): ReadAddress {
  const { connectionString, ...options } = given;
  if (connectionString === undefined) return { config: options, tls: {} };
  if (connectionString.startsWith("/")) {
    const [host = "", database] = connectionString.split(" ");
    return { config: { ...options, ...withoutEmpty({ host, database }) }, tls: {} };
  }

  const url = readUrl(connectionString, origin);
  const parameters = Object.fromEntries(url.searchParams);
  const tls: TlsParameters = Object.fromEntries(TLS_PARAMETERS.map((name) => [name, parameters[name]]));
  for (const name of TLS_PARAMETERS) delete parameters[name];
  for (const [name, harmless] of Object.entries(UNKEPT)) {
    const value = parameters[name] ?? "";
    if (value !== "" && !harmless.includes(value)) throw unkept(name, value, origin);
    delete parameters[name];
  }

  const isSocket = url.protocol === "socket:";
  const { db, encoding, port = url.port, ...others } = parameters;
  const said = withoutEmpty({
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    host: isSocket ? decodeURI(url.pathname) : decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, "$1"),
    database: isSocket ? db : decodeURIComponent(url.pathname.slice(1)),
    ...(encoding === undefined ? {} : { client_encoding: encoding }),
    ...others,
  });
  return { config: { ...options, ...said, ...(port === "" ? {} : { port: Number(port) }) }, tls };
}

function readUrl(text: string, origin: string): URL {
  const remedy =
    "Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE; in a password, write @ / : ? # % as %40 %2F %3A %3F %23 %25";
  const shown = withoutPassword(text);
  if (!/^(postgres(ql)?|socket):/.test(text)) {
    throw new ConfigurationError(`${origin} is no address of a PostgreSQL: "${shown}"`, { remedy });
  }
  // What Node says of it would quote it, password and all: it is no cause of ours.
  if (!URL.canParse(text) || !isEncoded(text)) {
    throw new ConfigurationError(`${origin} cannot be read: "${shown}"`, { remedy });
  }
  return new URL(text);
}

/** Whoever asks for more than there is must not be served with less. */
function unkept(name: string, value: string, origin: string): ConfigurationError {
  return new ConfigurationError(`${origin} asks for ${name}=${value}, which nobody here would see to`, {
    remedy: `Leave ${name} out; sslmode=verify-full has the server prove who it is, and TLS 1.2 is the oldest that is spoken`,
  });
}

/** Whether each percent sign begins a character. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** An address as it may be shown: everything between the scheme and the last @ may be a secret. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:(\/\/)?)?.*@/is, "$1…@").replace(/([?&]password=)[^&]*/gi, "$1…");
}

/** Where a connection goes, and as whom: what an error may name. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Where these options lead, with the `PG*` variables for what they leave out. */
export function destinationOf({ host, port, user, database }: PoolConfig): Destination {
  const { PGHOST, PGPORT, PGUSER, PGDATABASE, USER } = process.env;
  const name = user || PGUSER || USER || "";
  return {
    host: host || PGHOST || "localhost",
    port: Number(port || PGPORT || 5432),
    user: name,
    database: database || PGDATABASE || name,
  };
}

/** A place in words. */
export function placeOf({ host, port }: Pick<Destination, "host" | "port">): string {
  return isSocket(host) ? `the socket in ${host}` : `${host}:${port}`;
}

/** Whether the host is a folder with a socket in it, which crosses no network. */
export function isSocket(host: string): boolean {
  return host.startsWith("/");
}

/** Whether the host is this machine. */
export function isThisMachine(host: string): boolean {
  return isSocket(host) || /^(localhost|127(\.\d+){1,3}|::1)$/i.test(host);
}

function withoutEmpty<Values extends Record<string, string | undefined>>(values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""),
  );
}
