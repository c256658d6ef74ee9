import { createCipheriv, createDecipheriv, generateKeyPairSync, randomBytes, verify, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import * as grpc from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

import { crc32c } from "../../src/keys/crc32c.js";
import { CLOUD_CERTIFICATE, CLOUD_KEY } from "./cloud-certificate.js";
import { createFaults, type Faults } from "./faults.js";

/** A status that is not OK, or an answer that is not right. */
export type GcpFault = { readonly code: grpc.status } | { readonly change: (answer: Record<string, unknown>) => void };

/** A request that was let in. */
export interface GcpRequest {
  readonly operation: string;
  readonly name: string;
  /** The associated data, as text. */
  readonly associated: string;
}

/** Cloud KMS, as far as shares need it. */
export interface GcpKmsServer {
  /** `localhost:PORT`. */
  readonly endpoint: string;
  readonly requests: GcpRequest[];

  /** Every request that arrived, by operation. */
  readonly arrivals: string[];
  readonly faults: Faults<GcpFault>;

  /** Makes a key with one version, and names it. */
  createKey(location: string): string;

  /** Adds a version, which wraps from now on. */
  addVersion(key: string): string;

  /** `ENABLED`, `DISABLED`, `DESTROY_SCHEDULED`, `DESTROYED`. */
  setState(version: string, state: string): void;

  /** A service account's key file, and what it may not do. */
  addIdentity(email: string, denied?: readonly string[]): Record<string, string>;
  stop(): Promise<void>;
}

interface Version {
  readonly name: string;
  readonly material: Buffer;
  state: string;
}

interface Request {
  readonly name: string;
  readonly plaintext?: Buffer;
  readonly ciphertext?: Buffer;
  readonly additionalAuthenticatedData: Buffer;
  readonly plaintextCrc32c?: { value: string } | null;
  readonly ciphertextCrc32c?: { value: string } | null;
  readonly additionalAuthenticatedDataCrc32c?: { value: string } | null;
}

class Refusal extends Error {
  constructor(
    readonly code: grpc.status,
    readonly details: string,
  ) {
    super(details);
  }
}

const DESTROY_TIME = Date.UTC(2027, 0, 15) / 1_000;
const SCOPES = ["https://www.googleapis.com/auth/cloudkms", "https://www.googleapis.com/auth/cloud-platform"];

/**
 * A server that speaks gRPC over TLS by the client's own protocol descriptions: checks
 * who signed the bearer token, encrypts by AES-256-GCM with the associated data, and
 * checks and gives checksums.
 */
export async function startGcpKms(): Promise<GcpKmsServer> {
  const keys = new Map<string, Version[]>();
  const identities = new Map<string, { publicKey: KeyObject; denied: readonly string[] }>();
  const requests: GcpRequest[] = [];
  const arrivals: string[] = [];
  const faults = createFaults<GcpFault>();

  const versionsOf = (name: string): Version[] => {
    const versions = keys.get(name);
    if (versions === undefined) throw new Refusal(grpc.status.NOT_FOUND, `CryptoKey ${name} not found.`);
    return versions;
  };
  const requireEnabled = (version: Version): Version => {
    if (version.state !== "ENABLED") {
      throw new Refusal(grpc.status.FAILED_PRECONDITION, `${version.name} is not enabled, current state is: ${version.state}.`);
    }
    return version;
  };
  const requireChecksum = (bytes: Buffer, checksum: { value: string } | null | undefined): void => {
    if (Number(checksum?.value) !== crc32c(bytes)) throw new Refusal(grpc.status.INVALID_ARGUMENT, "a checksum does not match");
  };

  const operations: Record<string, (request: Request) => Record<string, unknown>> = {
    Encrypt({ name, plaintext = Buffer.alloc(0), plaintextCrc32c, additionalAuthenticatedData, additionalAuthenticatedDataCrc32c }) {
      const version = requireEnabled(versionsOf(name).at(-1) as Version);
      requireChecksum(plaintext, plaintextCrc32c);
      requireChecksum(additionalAuthenticatedData, additionalAuthenticatedDataCrc32c);
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", version.material, iv).setAAD(additionalAuthenticatedData);
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      const number = Number(version.name.split("/").at(-1));
      const ciphertext = Buffer.concat([Buffer.of(number), iv, cipher.getAuthTag(), sealed]);
      return {
        name: version.name,
        ciphertext,
        ciphertextCrc32c: { value: crc32c(ciphertext) },
        verifiedPlaintextCrc32c: true,
        verifiedAdditionalAuthenticatedDataCrc32c: true,
      };
    },
    Decrypt({ name, ciphertext = Buffer.alloc(0), ciphertextCrc32c, additionalAuthenticatedData, additionalAuthenticatedDataCrc32c }) {
      const versions = versionsOf(name);
      requireChecksum(ciphertext, ciphertextCrc32c);
      requireChecksum(additionalAuthenticatedData, additionalAuthenticatedDataCrc32c);
      const version = versions[(ciphertext[0] ?? 0) - 1];
      const wrong = new Refusal(grpc.status.INVALID_ARGUMENT, "Decryption failed: verify that 'name' refers to the correct CryptoKey.");
      if (version === undefined) throw wrong;
      requireEnabled(version);
      try {
        const decipher = createDecipheriv("aes-256-gcm", version.material, ciphertext.subarray(1, 13))
          .setAAD(additionalAuthenticatedData)
          .setAuthTag(ciphertext.subarray(13, 29));
        const plaintext = Buffer.concat([decipher.update(ciphertext.subarray(29)), decipher.final()]);
        return { plaintext, plaintextCrc32c: { value: crc32c(plaintext) }, usedPrimary: version === versions.at(-1) };
      } catch {
        throw wrong;
      }
    },
    GetCryptoKey({ name }) {
      const { name: version, state } = versionsOf(name).at(-1) as Version;
      return { name, purpose: "ENCRYPT_DECRYPT", primary: describe(version, state) };
    },
    GetCryptoKeyVersion({ name }) {
      const version = versionsOf(name.replace(/\/cryptoKeyVersions\/.*/, "")).find((one) => one.name === name);
      if (version === undefined) throw new Refusal(grpc.status.NOT_FOUND, `${name} not found.`);
      return describe(name, version.state);
    },
  };

  /** Who sent it: the token is signed by the service account itself, and for this service. */
  const identify = (metadata: grpc.Metadata): readonly string[] => {
    const [header, payload, signature] = String(metadata.get("authorization")[0]).replace(/^Bearer /, "").split(".");
    const claims = parse(payload);
    const identity = identities.get(String(claims["iss"]));
    const isGood =
      identity !== undefined &&
      claims["sub"] === claims["iss"] &&
      (claims["aud"] === "https://cloudkms.googleapis.com/" || SCOPES.some((scope) => String(claims["scope"]).split(" ").includes(scope))) &&
      Number(claims["exp"]) > Date.now() / 1_000 &&
      parse(header)["alg"] === "RS256" &&
      verify("sha256", Buffer.from(`${header}.${payload}`), identity.publicKey, Buffer.from(signature ?? "", "base64url"));
    if (!isGood) throw new Refusal(grpc.status.UNAUTHENTICATED, "Request had invalid authentication credentials.");
    return identity.denied;
  };

  const handle =
    (operation: string): grpc.handleUnaryCall<Request, Record<string, unknown>> =>
    (call, respond) => {
      const work = async (): Promise<Record<string, unknown>> => {
        arrivals.push(operation);
        const fault = await faults.suffer(operation);
        if (fault !== undefined && "code" in fault) throw new Refusal(fault.code, "on purpose");

        const denied = identify(call.metadata);
        const { name, additionalAuthenticatedData } = call.request;
        requests.push({ operation, name, associated: String(additionalAuthenticatedData ?? "") });
        if (denied.includes(operation)) throw new Refusal(grpc.status.PERMISSION_DENIED, `Permission denied on resource '${name}' (or it may not exist).`);
        const answer = (operations[operation] as (request: Request) => Record<string, unknown>)(call.request);
        fault?.change(answer);
        return answer;
      };
      work().then(
        (answer) => respond(null, answer),
        (error: unknown) => respond(error as grpc.ServiceError),
      );
    };

  const descriptions = JSON.parse(
    readFileSync(createRequire(__filename).resolve("@google-cloud/kms/build/protos/protos.json"), "utf8"),
  ) as Parameters<typeof fromJSON>[0];
  const service = fromJSON(descriptions, { longs: String, enums: String, defaults: true })["google.cloud.kms.v1.KeyManagementService"];
  const server = new grpc.Server();
  server.addService(
    service as grpc.ServiceDefinition,
    Object.fromEntries(Object.keys(operations).map((operation) => [operation, handle(operation) as grpc.UntypedHandleCall])),
  );
  const credentials = grpc.ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(CLOUD_CERTIFICATE), private_key: Buffer.from(CLOUD_KEY) },
  ]);
  const port = await new Promise<number>((bound, failed) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, found) => (error ? failed(error) : bound(found))),
  );

  const addVersion = (key: string): string => {
    const versions = versionsOf(key);
    const name = `${key}/cryptoKeyVersions/${versions.length + 1}`;
    versions.push({ name, material: randomBytes(32), state: "ENABLED" });
    return name;
  };

  return {
    endpoint: `localhost:${port}`,
    requests,
    arrivals,
    faults,
    createKey(location) {
      const name = `projects/clinic/locations/${location}/keyRings/safetypin/cryptoKeys/k${randomBytes(4).toString("hex")}`;
      keys.set(name, []);
      addVersion(name);
      return name;
    },
    addVersion,
    setState(version, state) {
      const found = [...keys.values()].flat().find(({ name }) => name === version);
      if (found === undefined) throw new Error(`there is no ${version}`);
      found.state = state;
    },
    addIdentity(email, denied = []) {
      const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
      identities.set(email, { publicKey, denied });
      return {
        type: "service_account",
        project_id: "clinic",
        private_key_id: "1",
        private_key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
        client_email: email,
        client_id: "1",
        token_uri: "https://oauth2.googleapis.com/token",
      };
    },
    stop: async () => server.forceShutdown(),
  };
}

function describe(name: string, state: string): Record<string, unknown> {
  return { name, state, ...(state === "DESTROY_SCHEDULED" ? { destroyTime: { seconds: DESTROY_TIME } } : {}) };
}

function parse(part: string | undefined): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part ?? "", "base64url").toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
