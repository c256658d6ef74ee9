import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Keys of AWS that a server in a test knows. */
export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A request as it came. */
export interface SignedRequest {
  readonly method: string;

  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a good signature says. */
export interface Signed {
  readonly region: string;
  readonly service: string;
}

/** Why a signature is not good, by the name AWS gives it. */
export class SignatureError extends Error {
  constructor(
    readonly code:
      | "MissingAuthenticationTokenException"
      | "UnrecognizedClientException"
      | "InvalidSignatureException",
    message: string,
  ) {
    super(message);
  }
}

const FIVE_MINUTES_MS = 300_000;

/**
 * Verifies AWS Signature Version 4 of a request that carries it in its Authorization header:
 * written anew from what came, never taken from the SDK that signed.
 *
 * @throws {@link SignatureError}
 */
export function verifySignature(request: SignedRequest, keys: SigningKeys): Signed {
  const [, accessKeyId, day, region, service, signedHeaders, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    ) ?? [];
  if (accessKeyId === undefined || day === undefined || region === undefined || service === undefined) {
    throw new SignatureError("MissingAuthenticationTokenException", "The request carries no signature");
  }
  if (accessKeyId !== keys.accessKeyId) {
    throw new SignatureError("UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  const names = (signedHeaders ?? "").split(";");
  for (const needed of ["host", "x-amz-date", "x-amz-target"]) {
    if (request.headers[needed] !== undefined && !names.includes(needed)) {
      throw new SignatureError("InvalidSignatureException", `The header ${needed} is not signed`);
    }
  }

  const time = String(request.headers["x-amz-date"]);
  requireNow(time);
  const url = new URL(request.url, "http://service");
  const canonical = [
    request.method,
    url.pathname,
    canonicalQuery(url.searchParams),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    sha256(request.body),
  ].join("\n");
  requireSame(sign(keys, { time, day, region, service }, canonical), signature ?? "");
  return { region, service };
}

/**
 * Verifies a presigned request, as a token of RDS IAM is: `host:port/?Action=connect&…`.
 *
 * @throws {@link SignatureError}
 */
export function verifyPresigned(token: string, keys: SigningKeys): Signed & { readonly parameters: URLSearchParams; readonly host: string } {
  const url = new URL(`https://${token}`);
  const parameters = url.searchParams;
  const [accessKeyId, day = "", region = "", service = ""] = (parameters.get("X-Amz-Credential") ?? "").split("/");
  if (accessKeyId !== keys.accessKeyId) {
    throw new SignatureError("UnrecognizedClientException", "The token is of somebody else");
  }
  const time = parameters.get("X-Amz-Date") ?? "";
  requireNow(time, Number(parameters.get("X-Amz-Expires")) * 1000);
  const signature = parameters.get("X-Amz-Signature") ?? "";
  const unsigned = new URLSearchParams(parameters);
  unsigned.delete("X-Amz-Signature");
  const canonical = ["GET", url.pathname, canonicalQuery(unsigned), `host:${url.host}`, "", "host", sha256(Buffer.alloc(0))].join("\n");
  requireSame(sign(keys, { time, day, region, service }, canonical), signature);
  return { region, service, parameters, host: url.host };
}

interface Scope {
  readonly time: string;
  readonly day: string;
  readonly region: string;
  readonly service: string;
}

function sign({ secretAccessKey }: SigningKeys, { time, day, region, service }: Scope, canonical: string): string {
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(Buffer.from(canonical))].join("\n");
  const key = [day, region, service, "aws4_request"].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`));
  return hmac(key, text).toString("hex");
}

function requireNow(time: string, validMs = FIVE_MINUTES_MS): void {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (!(Math.abs(Date.now() - signedAt) <= validMs)) {
    throw new SignatureError("InvalidSignatureException", `Signature expired: ${time}`);
  }
}

function requireSame(wanted: string, found: string): void {
  if (wanted.length === found.length && timingSafeEqual(Buffer.from(wanted), Buffer.from(found))) return;
  throw new SignatureError("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.");
}

function canonicalQuery(parameters: URLSearchParams): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return [...parameters]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
}

const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");
const hmac = (key: Buffer, data: string) => createHmac("sha256", key).update(data).digest();
