import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt, randomBytes, type KeyObject } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";

import { CLOUD_CERTIFICATE, CLOUD_KEY } from "./cloud-certificate.js";
import { createFaults, type Faults } from "./faults.js";
import { bodyOf, listen, stop } from "./local-server.js";

/** An answer in place of the true one. */
export interface AzureAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that was let in. */
export interface AzureRequest {
  readonly operation: string;
  readonly path: string;
  readonly body: Readonly<Record<string, string>>;
}

/** A key vault and the directory it trusts. */
export interface AzureKeyVaultServer {
  /** `https://safetypin.vault.azure.net:PORT`. */
  readonly vault: string;

  /** `https://login.microsoftonline.com:PORT`, for a credential's `authorityHost`. */
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly requests: AzureRequest[];

  /** Every request that arrived, tokens and challenges too. */
  readonly arrivals: string[];
  readonly faults: Faults<AzureAnswer>;

  /** Makes a key with one version, and names it by its URL without that. */
  createKey(): string;

  /** Adds a version, which wraps from now on. */
  addVersion(key: string): string;

  /** Changes what the vault says of a version. */
  setAttributes(version: string, attributes: { enabled?: boolean; exp?: number; nbf?: number }): void;
  changeKey(key: string, change: { kty?: string; key_ops?: readonly string[] }): void;

  /** Deletes a key so that it can be recovered, or for good. */
  deleteKey(key: string, how: "recoverable" | "purged"): void;

  /** An application of the directory, and what it may not do. */
  addApplication(application: { clientId: string; clientSecret: string; denied?: readonly string[] }): void;
  stop(): Promise<void>;
}

interface Version {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly attributes: Record<string, unknown>;
  kty: string;
  key_ops: readonly string[];
}

const TENANT = "0199a0c4-7777-7000-8000-000000000000";
const NEW_ATTRIBUTES = { enabled: true, recoveryLevel: "Recoverable", created: 1_700_000_000, updated: 1_700_000_000 };
const PURGE_DATE = Date.UTC(2027, 0, 15) / 1_000;
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };

/**
 * A server over TLS that is both: the directory, which gives tokens to applications that
 * know their secret, and a vault, which answers a request without a token by saying
 * whom it trusts, and wraps by RSA-OAEP-256.
 */
export async function startAzureKeyVault(): Promise<AzureKeyVaultServer> {
  const keys = new Map<string, Version[]>();
  const deleted = new Set<string>();
  const applications = new Map<string, { clientSecret: string; denied: readonly string[] }>();
  const tokens = new Map<string, string>();
  const requests: AzureRequest[] = [];
  const arrivals: string[] = [];
  const faults = createFaults<AzureAnswer>();

  const error = (status: number, code: string, innererror?: string): AzureAnswer => ({
    status,
    body: { error: { code, message: code, ...(innererror === undefined ? {} : { innererror: { code: innererror } }) } },
  });

  async function giveToken(request: IncomingMessage): Promise<AzureAnswer> {
    const body = new URLSearchParams((await bodyOf(request)).toString());
    const application = applications.get(body.get("client_id") ?? "");
    if (application === undefined || body.get("client_secret") !== application.clientSecret) {
      return { status: 401, body: { error: "invalid_client", error_description: "AADSTS7000215: Invalid client secret provided." } };
    }
    if (body.get("scope")?.split(" ").includes("https://vault.azure.net/.default") !== true || body.get("grant_type") !== "client_credentials") {
      return { status: 400, body: { error: "invalid_scope", error_description: "AADSTS70011" } };
    }
    const token = randomBytes(24).toString("base64url");
    tokens.set(token, body.get("client_id") as string);
    return { status: 200, body: { token_type: "Bearer", expires_in: 3_599, access_token: token } };
  }

  const bundleOf = ({ id, publicKey, attributes, kty, key_ops }: Version): AzureAnswer => ({
    status: 200,
    body: { key: { ...publicKey.export({ format: "jwk" }), kid: id, kty, key_ops }, attributes },
  });

  function perform(operation: string, [folder, name = "", number]: readonly string[], body: Readonly<Record<string, string>>): AzureAnswer {
    const key = `${vault}/keys/${name}`;
    if (folder === "deletedkeys") {
      if (!deleted.has(key)) return error(404, "KeyNotFound");
      return { status: 200, body: { key: { kid: key, kty: "RSA" }, attributes: { enabled: true }, recoveryId: `${vault}/deletedkeys/${name}`, scheduledPurgeDate: PURGE_DATE, deletedDate: PURGE_DATE } };
    }
    const versions = deleted.has(key) ? undefined : keys.get(key);
    const version = number === undefined ? versions?.at(-1) : versions?.find(({ id }) => id === `${key}/${number}`);
    if (version === undefined) return error(404, "KeyNotFound");
    if (operation === "get") return bundleOf(version);

    // A version past its date unwraps all the same, and wraps no more.
    const { enabled, exp } = version.attributes;
    if (enabled !== true) return error(403, "Forbidden", "KeyDisabled");
    if (operation === "wrapkey" && typeof exp === "number" && exp < Date.now() / 1_000) return error(403, "Forbidden", "KeyExpired");
    if (body["alg"] !== "RSA-OAEP-256") return error(400, "BadParameter");
    const value = Buffer.from(body["value"] ?? "", "base64url");
    try {
      const result =
        operation === "wrapkey" ? publicEncrypt({ key: version.publicKey, ...OAEP }, value) : privateDecrypt({ key: version.privateKey, ...OAEP }, value);
      return { status: 200, body: { kid: version.id, value: result.toString("base64url") } };
    } catch {
      return error(400, "BadParameter");
    }
  }

  async function ask(request: IncomingMessage, url: URL): Promise<AzureAnswer> {
    const parts = url.pathname.split("/").filter((part) => part !== "");
    const operation = request.method === "GET" ? (parts[0] === "deletedkeys" ? "getdeleted" : "get") : (parts.pop() as string);
    const body = await bodyOf(request);
    arrivals.push(operation);
    const fault = await faults.suffer(operation);
    if (fault !== undefined) return fault;

    const clientId = tokens.get(String(request.headers.authorization).replace(/^Bearer /, ""));
    const application = applications.get(clientId ?? "");
    if (application === undefined) {
      arrivals.push("challenge");
      const challenge = `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://vault.azure.net"`;
      return { ...error(401, "Unauthorized"), headers: { "www-authenticate": challenge } };
    }
    const input = body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, string>);
    requests.push({ operation, path: url.pathname, body: input });
    if (application.denied.includes(operation)) return error(403, "Forbidden", "ForbiddenByRbac");
    return perform(operation, parts, input);
  }

  async function answer(request: IncomingMessage): Promise<AzureAnswer> {
    const url = new URL(request.url ?? "/", `https://${request.headers.host}`);
    if (url.hostname !== "login.microsoftonline.com") return ask(request, url);

    arrivals.push(`directory ${url.pathname.split("/").at(-1) ?? ""}`);
    if (url.pathname.endsWith("/oauth2/v2.0/token")) return giveToken(request);
    const directory = `${authorityHost}/${TENANT}`;
    return {
      status: 200,
      body: {
        issuer: `${directory}/v2.0`,
        token_endpoint: `${directory}/oauth2/v2.0/token`,
        authorization_endpoint: `${directory}/oauth2/v2.0/authorize`,
        jwks_uri: `${directory}/discovery/v2.0/keys`,
      },
    };
  }

  const server = createServer({ cert: CLOUD_CERTIFICATE, key: CLOUD_KEY }, (request, response) => {
    answer(request).then(
      ({ status, body, headers }) => {
        response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
        response.end(body === undefined ? "" : JSON.stringify(body));
      },
      (failure: unknown) => response.writeHead(500).end(String(failure)),
    );
  });
  const port = await listen(server);
  const vault = `https://safetypin.vault.azure.net:${port}`;
  const authorityHost = `https://login.microsoftonline.com:${port}`;

  const addVersion = (key: string): string => {
    const id = `${key}/${randomBytes(16).toString("hex")}`;
    keys.get(key)?.push({
      id,
      ...generateKeyPairSync("rsa", { modulusLength: 2_048 }),
      attributes: { ...NEW_ATTRIBUTES },
      kty: "RSA",
      key_ops: ["wrapKey", "unwrapKey"],
    });
    return id;
  };
  const versionOf = (id: string): Version => {
    const version = [...keys.values()].flat().find((one) => one.id === id);
    if (version === undefined) throw new Error(`there is no ${id}`);
    return version;
  };

  return {
    vault,
    authorityHost,
    tenantId: TENANT,
    requests,
    arrivals,
    faults,
    createKey() {
      const key = `${vault}/keys/k${randomBytes(4).toString("hex")}`;
      keys.set(key, []);
      addVersion(key);
      return key;
    },
    addVersion,
    setAttributes: (id, attributes) => void Object.assign(versionOf(id).attributes, attributes),
    changeKey: (key, change) => keys.get(key)?.forEach((version) => Object.assign(version, change)),
    deleteKey(key, how) {
      if (how === "recoverable") deleted.add(key);
      else keys.delete(key);
    },
    addApplication({ clientId, clientSecret, denied = [] }) {
      applications.set(clientId, { clientSecret, denied });
    },
    stop: () => stop(server),
  };
}
