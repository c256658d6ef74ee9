import { checkServerIdentity, type ConnectionOptions } from "node:tls";

import type { PoolConfig } from "pg";

import { destinationOf, isSocket, isThisMachine, type TlsParameters } from "./address.js";
import { readCertificates, type CertificateFiles } from "./certificate-files.js";
import { ConfigurationError } from "./errors.js";
import type { Environment } from "./limits.js";

/**
 * How the way to the server is kept private.
 *
 * `verify-full`: encrypted, and the server's certificate is by an authority we trust
 * and for the name we asked for. `as-configured`: whatever the address or the pool's
 * options say, which may be nothing.
 */
export type Tls = "verify-full" | "as-configured";

/** TLS in more detail: what is asked of the server, and with which certificates. */
export interface TlsOptions extends CertificateFiles {
  /** @defaultValue the environment's: see {@link defaultTls} */
  readonly required?: Tls | undefined;
}

/** The versions of TLS that `verify-full` lets the driver's own options name. */
const SAFE_VERSIONS: readonly string[] = ["TLSv1.2", "TLSv1.3"];

/** How strict a connection is, in the words of libpq's `sslmode`. */
export const TLS_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;
export type TlsMode = (typeof TLS_MODES)[number];

/**
 * What an environment asks for: passwords and medical records do not cross a network in
 * the clear. Tests on one machine cross none; development is for trying things.
 */
export function defaultTls(environment: Environment, host: string): Tls {
  if (environment === "production") return "verify-full";
  return environment === "test" && !isThisMachine(host) ? "verify-full" : "as-configured";
}

/** What was asked for, with the environment's default. */
export function requiredTls(
  tls: Tls | TlsOptions | undefined,
  environment: Environment,
  config: PoolConfig,
): Tls {
  const required = typeof tls === "object" ? tls.required : tls;
  return required ?? defaultTls(environment, destinationOf(config).host);
}

/**
 * The pool's options, with TLS as asked for.
 *
 * @throws {@link ConfigurationError} when they ask for less than that, or a certificate
 * cannot be used.
 */
export function withTls(
  config: PoolConfig,
  said: TlsParameters,
  required: Tls,
  options: TlsOptions = {},
): PoolConfig {
  if (isSocket(destinationOf(config).host)) return { ...config, ssl: false };

  const files: CertificateFiles = {
    ca: options.ca ?? authorities(said.sslrootcert ?? process.env["PGSSLROOTCERT"]),
    certificate: options.certificate ?? (said.sslcert || process.env["PGSSLCERT"] || undefined),
    key: options.key ?? (said.sslkey || process.env["PGSSLKEY"] || undefined),
  };
  if (required === "verify-full") {
    if (config.ssl === false) throw tooLittle("ssl: false");
    if (typeof config.ssl === "object") requireStrict(config.ssl);
    const mode = modeOf(said);
    if (mode !== undefined && mode !== "verify-full") throw tooLittle(`sslmode=${said.sslmode ?? mode}`);
    return { ...config, ssl: together(sslOf("verify-full", files), config.ssl) };
  }

  const mode = modeOf(said);
  if (mode === undefined && config.ssl !== undefined) {
    return { ...config, ssl: config.ssl === true ? sslOf("verify-full", files) : config.ssl };
  }
  const isAsked = files.ca !== undefined || files.certificate !== undefined;
  const { PGSSLMODE } = process.env;
  const wanted = mode ?? (PGSSLMODE ? parseTlsMode(PGSSLMODE) : isAsked ? "verify-full" : "disable");
  return { ...config, ssl: sslOf(wanted, files) };
}

/** Refuses options with which the server could be another, or speak what is broken. */
function requireStrict({ rejectUnauthorized, minVersion, maxVersion, secureProtocol, secureContext }: ConnectionOptions): void {
  if (rejectUnauthorized === false) throw tooLittle("rejectUnauthorized: false");
  for (const [name, version] of Object.entries({ minVersion, maxVersion })) {
    if (version !== undefined && !SAFE_VERSIONS.includes(version)) {
      throw new ConfigurationError(`TLS 1.2 is the oldest that is spoken: ssl.${name} is ${version}`, {
        remedy: `Leave ${name} out, or write one of ${SAFE_VERSIONS.join(", ")}`,
      });
    }
  }
  for (const [name, value] of Object.entries({ secureProtocol, secureContext })) {
    if (value !== undefined) {
      throw new ConfigurationError(`ssl.${name} says itself which TLS is spoken and who is trusted`, {
        remedy: 'Pass certificates with tls: { ca, certificate, key }, and versions with minVersion; or pass tls: "as-configured"',
      });
    }
  }
}

/**
 * Our options with the driver's own over them; a key stays hidden, and a file is still read
 * anew. Whoever looks at the certificate themselves, to know it by its fingerprint, looks
 * after us and not instead.
 */
function together(ours: false | ConnectionOptions, own: PoolConfig["ssl"]): ConnectionOptions {
  const options = ours === false ? {} : ours;
  if (typeof own !== "object") return options;
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue;
    Object.defineProperty(options, name, { value, enumerable: name !== "key", configurable: true, writable: true });
  }
  const { checkServerIdentity: looksToo } = own;
  if (looksToo !== undefined) {
    options.checkServerIdentity = (host, certificate) => checkServerIdentity(host, certificate) ?? looksToo(host, certificate);
  }
  return options;
}

/** The mode an address asks for; `undefined` where it says nothing. */
export function modeOf({ sslmode, ssl, sslrootcert, sslcert }: TlsParameters): TlsMode | undefined {
  if (sslmode !== undefined) return parseTlsMode(sslmode);
  if (ssl === "no-verify") return "require";
  if (ssl === "false" || ssl === "0") return "disable";
  if (ssl !== undefined || sslrootcert !== undefined || sslcert !== undefined) return "verify-full";
  return undefined;
}

/**
 * The mode, if it is one.
 *
 * @throws {@link ConfigurationError}
 */
export function parseTlsMode(text: string): TlsMode {
  if (text === "no-verify") return "require";
  const mode = TLS_MODES.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw new ConfigurationError(`sslmode=${text} is none that is known here`, {
    remedy: `Write one of ${TLS_MODES.join(", ")}`,
  });
}

/** What libpq calls the roots of the system are those that Node brings. */
export function authorities(sslrootcert: string | undefined): string | undefined {
  return sslrootcert === "system" || sslrootcert === "" ? undefined : sslrootcert;
}

/**
 * The driver's options for a mode. As for libpq, `require` looks at the certificate only
 * where an authority is named, and `verify-ca` does not look at the name in it. TLS is 1.2
 * at least.
 *
 * @throws {@link ConfigurationError} when `verify-ca` names no authority.
 */
export function sslOf(mode: TlsMode, files: CertificateFiles): false | ConnectionOptions {
  if (mode === "disable") return false;
  if (mode === "verify-ca" && files.ca === undefined) {
    throw new ConfigurationError("sslmode=verify-ca without an authority believes any public one, for any name", {
      remedy: "Name it with sslrootcert=FILE, or use sslmode=verify-full",
    });
  }
  const options = readCertificates(files);
  const isVerified = mode === "verify-full" || mode === "verify-ca" || (mode === "require" && files.ca !== undefined);
  // Added to what was read, which is read anew for each connection.
  return Object.assign(options, {
    minVersion: "TLSv1.2",
    rejectUnauthorized: isVerified,
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  } satisfies ConnectionOptions);
}

/**
 * Refuses a connection that turned out not to be encrypted, as one of a pool that
 * somebody else configured may be.
 *
 * @throws {@link ConfigurationError}
 */
export function requireEncryption(isEncrypted: boolean, tls: Tls): void {
  if (tls === "verify-full" && !isEncrypted) throw tooLittle("a connection without TLS");
}

function tooLittle(what: string): ConfigurationError {
  return new ConfigurationError(`Passwords and tokens would cross the network in the clear: ${what}`, {
    remedy:
      'Use sslmode=verify-full, with sslrootcert=FILE for an authority of your own; or pass tls: "as-configured" where the network itself is private',
  });
}
