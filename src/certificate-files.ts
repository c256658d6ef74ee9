import { readFileSync, statSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";

import { ConfigurationError } from "./errors.js";

/** Certificates in PEM, or the path of a file of them. */
export type Certificates = string | Buffer;

/** Whom we trust, and what we show of ourselves. */
export interface CertificateFiles {
  /** The authorities that may sign the server's certificate, in place of those Node brings. */
  readonly ca?: Certificates | undefined;

  /** The client's certificate, for a server that asks for one. */
  readonly certificate?: Certificates | undefined;

  /** Its private key. A file must be its owner's alone. */
  readonly key?: Certificates | undefined;
}

/**
 * The files as TLS takes them. They are read now, so that what is wrong is told now, and
 * again by each connection that finds them changed: a certificate that is renewed beside
 * a running process is used from then on.
 *
 * @throws {@link ConfigurationError} when a file cannot be read, holds no PEM, or is a key
 * that others may read.
 */
export function readCertificates({ ca, certificate, key }: CertificateFiles): ConnectionOptions {
  if ((certificate === undefined) !== (key === undefined)) {
    throw new ConfigurationError(
      certificate === undefined
        ? "There is a key for a client certificate, and no certificate"
        : "There is a client certificate, and no key for it",
      { remedy: "Name both: tls: { certificate, key }, sslcert and sslkey, or PGSSLCERT and PGSSLKEY" },
    );
  }
  const options = {};
  define(options, "ca", ca, "The certificates of the authorities");
  define(options, "cert", certificate, "The client certificate");
  define(options, "key", key, "The key of the client certificate");
  return options;
}

function define(
  options: object,
  name: "ca" | "cert" | "key",
  source: Certificates | undefined,
  what: string,
): void {
  if (source === undefined) return;
  const read = reader(source, name === "key", what);
  read();
  // Whoever prints the options sees no key.
  Object.defineProperty(options, name, { get: read, enumerable: name !== "key", configurable: true });
}

function reader(source: Certificates, isKey: boolean, what: string): () => string | Buffer {
  if (Buffer.isBuffer(source) || source.includes("-----BEGIN ")) return () => source;

  let known: { readonly mark: string; readonly text: string } | undefined;
  return () => {
    try {
      const { mtimeMs, ino, size, mode, uid } = statSync(source);
      const mark = `${mtimeMs} ${ino} ${size}`;
      if (known?.mark !== mark) {
        if (isKey) requirePrivate(source, mode, uid);
        known = { mark, text: readPem(source, what) };
      }
    } catch (cause) {
      // In the middle of being replaced: what we have is still good.
      if (known === undefined) throw cause instanceof ConfigurationError ? cause : unreadable(source, what, cause);
    }
    return known.text;
  };
}

function readPem(path: string, what: string): string {
  const text = readFileSync(path, "utf8");
  if (!text.includes("-----BEGIN ")) {
    throw new ConfigurationError(`${what}, ${path}, holds no PEM`, {
      remedy: `Turn it into PEM: openssl x509 -inform der -in ${path}`,
    });
  }
  return text;
}

/** As libpq has it: the owner's alone, or root's and readable by a group. */
function requirePrivate(path: string, mode: number, uid: number): void {
  const foreign = uid === 0 ? 0o037 : 0o077;
  if (process.platform === "win32" || (mode & foreign) === 0) return;
  throw new ConfigurationError(
    `The key ${path} may be read by others: its mode is 0${(mode & 0o777).toString(8)}`,
    { remedy: `Run: chmod 600 ${path}` },
  );
}

function unreadable(path: string, what: string, cause: unknown): ConfigurationError {
  const { code = "" } = cause as { code?: string };
  return new ConfigurationError(`${what} cannot be read from ${path} (${code})`, {
    remedy: "Name a file that is there and that this process may read",
    cause,
  });
}
