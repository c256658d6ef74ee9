import type { PeerCertificate } from "node:tls";

import { destinationOf, placeOf, type Destination } from "./address.js";
import { ConfigurationError } from "./errors.js";
import type { PoolConfig } from "pg";

/** By what whoever reads an error changes what it complains of. */
export interface Wording {
  /** How to name another server, login or database. */
  readonly another: string;

  /** Where the password is given. */
  readonly password: string;

  /** How an authority is named that we are to trust. */
  readonly authority: string;

  /** How a client certificate is named. */
  readonly clientCertificate: string;

  /** How to go without TLS. */
  readonly noTls: string;
}

const CLIENT: Wording = {
  another: "pass another connectionString",
  password: "Pass the right one, or credentials that fetch it",
  authority: "tls: { ca: FILE } or sslrootcert=FILE",
  clientCertificate: "tls: { certificate: FILE, key: FILE }, or sslcert=FILE and sslkey=FILE",
  noTls: 'pass tls: "as-configured"',
};

/** What kept us from connecting, in a sentence that names the server, and what to change. */
export function explainNoConnection(
  error: unknown,
  config: PoolConfig,
  wording: Wording = CLIENT,
): ConfigurationError {
  if (error instanceof ConfigurationError) return error;
  const cause = innermost(error);
  const { code = "", message = "" } = cause as Error & { code?: string };
  const destination = destinationOf(config);
  const [sentence, remedy] =
    explainNetwork(code, message, destination, wording) ??
    explainRefusal(code, message, destination, wording, hasClientCertificate(config)) ??
    explainTls(code, message, destination, wording, cause as TlsError) ?? [
      `No connection to ${placeOf(destination)}: ${message}`,
      `See whether a firewall is in the way, or ${wording.another}`,
    ];
  return new ConfigurationError(sentence, { remedy, cause });
}

type Explanation = readonly [sentence: string, remedy: string] | undefined;

function explainNetwork(code: string, message: string, to: Destination, { another }: Wording): Explanation {
  const where = placeOf(to);
  switch (code) {
    case "ECONNREFUSED":
    case "ENOENT":
      return [`No server listens at ${where}`, `Start it, or ${another}`];
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return [`There is no host "${to.host}"`, capitalize(another)];
  }
  if (/timeout|timed out/i.test(message)) {
    return [`No connection to ${where}: it did not answer in time`, `See whether a firewall is in the way, or ${another}`];
  }
  return undefined;
}

function explainRefusal(
  code: string,
  message: string,
  to: Destination,
  wording: Wording,
  hasCertificate: boolean,
): Explanation {
  const where = placeOf(to);
  const { user, database } = to;
  switch (code) {
    case "28P01":
      return [`The server at ${where} refuses the password of "${user}"`, wording.password];
    case "28000":
      // So RDS speaks of IAM.
      if (/^PAM authentication failed/.test(message)) {
        return [
          `The server at ${where} refuses the token of "${user}"`,
          `Run: grant rds_iam to ${user}; allow rds-db:connect on it to the role of this process; and connect to the endpoint by its own name`,
        ];
      }
      return [
        `The server at ${where} refuses "${user}": ${message}`,
        hasCertificate
          ? `Let pg_hba.conf admit this one with this certificate, or ${wording.another}`
          : `Where it asks for a client certificate, name yours with ${wording.clientCertificate}; else let pg_hba.conf admit this one, or ${wording.another}`,
      ];
    case "3D000":
      return [`The server at ${where} has no database "${database}"`, capitalize(wording.another)];
    case "42501":
      return [
        `"${user}" may not connect to database "${database}": ${message}`,
        `Let its owner run: grant connect on database ${database} to ${user};`,
      ];
    case "53300":
      return [
        `The server at ${where} has no connection left`,
        "Make the pools smaller, put a pooler between, raise max_connections, or try again when it has",
      ];
    case "57P03":
      return [`The server at ${where} is not ready yet`, "Try again in a moment"];
  }
  if (/password must be a (non-empty )?string/.test(message)) {
    return [`The server at ${where} asks for a password of "${user}", and there is none`, wording.password];
  }
  return undefined;
}

/** What Node's errors of certificates carry besides. */
interface TlsError extends Error {
  readonly cert?: PeerCertificate;
}

function explainTls(code: string, message: string, to: Destination, wording: Wording, error: TlsError): Explanation {
  const where = placeOf(to);
  const unbelieved = `The certificate of ${where} cannot be believed (${code})`;
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return [`${unbelieved}: it has expired`, `Renew it on ${to.host}, then reload the server`];
    case "CERT_NOT_YET_VALID":
      return [`${unbelieved}: it is not valid yet`, `Set the clocks of this machine and of ${to.host} right`];
    case "CERT_REVOKED":
      return [`${unbelieved}: its authority has revoked it`, `Give ${to.host} another, and ask what became of its key`];
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return [
        `${unbelieved}: it is for ${namesOf(error.cert)}, not for ${to.host}`,
        "Name the host as the certificate does, or give the server a certificate for this name",
      ];
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code) && !code.startsWith("ERR_SSL")) {
    return [
      `${unbelieved}: nobody we trust has signed it`,
      `Name its authority with ${wording.authority}; a cloud publishes the bundle of its own: docs/tls.md`,
    ];
  }
  if (/does not support SSL/.test(message)) {
    return [
      `The server at ${where} does not speak TLS`,
      `Turn it on there: ssl = on, with ssl_cert_file and ssl_key_file; where the network itself is private, ${wording.noTls}`,
    ];
  }
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW|WRONG_VERSION/.test(code)) {
    return [
      `The server at ${where} speaks no TLS that is still safe (${code})`,
      "Set ssl_min_protocol_version to TLSv1.2 there, and upgrade what cannot",
    ];
  }
  if (/ALERT/.test(code)) {
    return [
      `The server at ${where} refuses our client certificate (${code})`,
      /REVOKED/.test(code)
        ? `Its authority has revoked it: have another made, and name it with ${wording.clientCertificate}`
        : `Have another made by an authority that ssl_ca_file there holds, and name it with ${wording.clientCertificate}`,
    ];
  }
  return undefined;
}

function namesOf(certificate: PeerCertificate | undefined): string {
  const names = certificate?.subjectaltname?.replace(/\b(DNS|IP Address):/g, "");
  const subject = certificate?.subject as { readonly CN?: string } | undefined;
  return names ?? subject?.CN ?? "another host";
}

function hasClientCertificate({ ssl }: PoolConfig): boolean {
  return typeof ssl === "object" && "cert" in ssl;
}

/** Node tries every address of a host and wraps what each said; the pool wraps what ran into its limit. */
function innermost(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors[0];
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : error;
}

const capitalize = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
