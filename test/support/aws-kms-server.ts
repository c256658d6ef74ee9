import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { createFaults, type Faults } from "./faults.js";
import { bodyOf, listen, stop } from "./local-server.js";
import { SignatureError, verifySignature } from "./signature-v4.js";

/** An error as KMS says it; or what somebody on the way answers in its place. */
export type AwsFault =
  | { readonly type: string; readonly status?: number; readonly message?: string }
  | { readonly page: string; readonly status: number; readonly contentType: string };

/** A request that was let in, as CloudTrail would show it. */
export interface AwsRequest {
  readonly operation: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** KMS of all regions of one account, as far as shares need it. */
export interface AwsKmsServer {
  readonly url: string;

  /** Every request whose signature was good, in order. */
  readonly requests: AwsRequest[];

  /** Every request that arrived, by operation. */
  readonly arrivals: string[];
  readonly faults: Faults<AwsFault>;

  /** Makes a key and names it. A multi-Region key has replicas of the same material. */
  createKey(region: string, replicas?: readonly string[]): string;

  /** `Enabled`, `Disabled`, `PendingDeletion`, `Unavailable`, …; or gone. */
  setState(arn: string, state: string): void;

  /** An identity, and what it may not do. */
  addIdentity(identity: { accessKeyId: string; secretAccessKey: string; denied?: readonly string[] }): void;
  stop(): Promise<void>;
}

interface Key {
  readonly arn: string;
  readonly region: string;
  readonly material: Buffer;
  state: string;
}

class Interception extends Error {
  constructor(
    readonly page: string,
    readonly status: number,
    readonly contentType: string,
  ) {
    super(page);
  }
}

type Context = Readonly<Record<string, string>> | undefined;

class KmsError extends Error {
  constructor(
    readonly type: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

const ACCOUNT = "111122223333";
const DELETION_DATE = Date.UTC(2027, 0, 15) / 1_000;

/**
 * A server that speaks AWS JSON 1.1 as KMS does: checks signatures, wraps by
 * AES-256-GCM with the encryption context as associated data, and keeps regions apart.
 */
export async function startAwsKms(): Promise<AwsKmsServer> {
  const keys = new Map<string, Key>();
  const identities = new Map<string, { secretAccessKey: string; denied: readonly string[] }>();
  const requests: AwsRequest[] = [];
  const arrivals: string[] = [];
  const faults = createFaults<AwsFault>();

  const find = (region: string, arn: unknown): Key => {
    const key = keys.get(String(arn));
    if (key === undefined || key.region !== region) throw new KmsError("NotFoundException", `Key '${String(arn)}' does not exist`);
    return key;
  };
  const requireEnabled = (key: Key): Key => {
    if (key.state === "Disabled") throw new KmsError("DisabledException", `${key.arn} is disabled.`);
    if (key.state !== "Enabled") throw new KmsError("KMSInvalidStateException", `${key.arn} is in no valid state.`);
    return key;
  };

  const seal = (key: Key, plaintext: Buffer, context: Context): string => {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key.material, iv).setAAD(associated(context));
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    // Real ones name their key, too: by its material, so that replicas open each other's.
    return Buffer.concat([fingerprint(key), iv, cipher.getAuthTag(), sealed]).toString("base64");
  };

  const open = (region: string, blob: unknown, context: Context, wanted: unknown): [Key, Buffer] => {
    const bytes = Buffer.from(String(blob), "base64");
    const named = wanted === undefined ? undefined : find(region, wanted);
    const key = [...keys.values()].find((one) => one.region === region && fingerprint(one).equals(bytes.subarray(0, 8)));
    if (key === undefined) throw new KmsError("InvalidCiphertextException", "");
    if (named !== undefined && named !== key) {
      throw new KmsError("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.");
    }
    requireEnabled(key);
    try {
      const decipher = createDecipheriv("aes-256-gcm", key.material, bytes.subarray(8, 20))
        .setAAD(associated(context))
        .setAuthTag(bytes.subarray(20, 36));
      return [key, Buffer.concat([decipher.update(bytes.subarray(36)), decipher.final()])];
    } catch {
      throw new KmsError("InvalidCiphertextException", "");
    }
  };

  const operations: Record<string, (region: string, body: Record<string, unknown>) => unknown> = {
    GenerateDataKey(region, { KeyId, NumberOfBytes, EncryptionContext }) {
      const key = requireEnabled(find(region, KeyId));
      const plaintext = randomBytes(Number(NumberOfBytes));
      return {
        KeyId: key.arn,
        Plaintext: plaintext.toString("base64"),
        CiphertextBlob: seal(key, plaintext, EncryptionContext as Context),
      };
    },
    Encrypt(region, { KeyId, Plaintext, EncryptionContext }) {
      const key = requireEnabled(find(region, KeyId));
      return { KeyId: key.arn, CiphertextBlob: seal(key, Buffer.from(String(Plaintext), "base64"), EncryptionContext as Context) };
    },
    Decrypt(region, { KeyId, CiphertextBlob, EncryptionContext }) {
      const [key, plaintext] = open(region, CiphertextBlob, EncryptionContext as Context, KeyId);
      return { KeyId: key.arn, Plaintext: plaintext.toString("base64") };
    },
    ReEncrypt(region, body) {
      const [source, plaintext] = open(region, body["CiphertextBlob"], body["SourceEncryptionContext"] as Context, body["SourceKeyId"]);
      const destination = requireEnabled(find(region, body["DestinationKeyId"]));
      return {
        SourceKeyId: source.arn,
        KeyId: destination.arn,
        CiphertextBlob: seal(destination, plaintext, body["DestinationEncryptionContext"] as Context),
      };
    },
    DescribeKey(region, { KeyId }) {
      const { arn, state } = find(region, KeyId);
      return {
        KeyMetadata: {
          KeyId: arn.split("/")[1],
          Arn: arn,
          KeyState: state,
          Enabled: state === "Enabled",
          ...(state === "PendingDeletion" ? { DeletionDate: DELETION_DATE } : {}),
        },
      };
    },
  };

  async function answer(request: IncomingMessage): Promise<unknown> {
    const body = await bodyOf(request);
    const operation = String(request.headers["x-amz-target"]).replace(/^TrentService\./, "");
    arrivals.push(operation);
    const fault = await faults.suffer(operation);
    if (fault !== undefined && "page" in fault) throw new Interception(fault.page, fault.status, fault.contentType);
    if (fault !== undefined) throw new KmsError(fault.type, fault.message ?? "on purpose", fault.status);

    const accessKeyId = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const identity = identities.get(accessKeyId);
    const { method = "", url = "", headers } = request;
    const known = { accessKeyId: identity === undefined ? "nobody's" : accessKeyId, secretAccessKey: identity?.secretAccessKey ?? "" };
    const { region, service } = verifySignature({ method, url, headers, body }, known);
    if (service !== "kms") throw new KmsError("InvalidSignatureException", "Credential should be scoped to correct service: 'kms'.");
    const input = JSON.parse(body.toString()) as Record<string, unknown>;
    requests.push({ operation, region, accessKeyId, body: input });
    if (identity?.denied.includes(operation) === true) {
      throw new KmsError("AccessDeniedException", `User is not authorized to perform: kms:${operation}`);
    }
    const perform = operations[operation];
    if (perform === undefined) throw new KmsError("UnknownOperationException", operation);
    return perform(region, input);
  }

  const respond = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() });
    response.end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    answer(request).then(
      (body) => respond(response, 200, body),
      (error: unknown) => {
        const { message } = error as Error;
        if (error instanceof Interception) response.writeHead(error.status, { "content-type": error.contentType }).end(error.page);
        else if (error instanceof KmsError) respond(response, error.status, { __type: error.type, message });
        else if (error instanceof SignatureError) respond(response, 400, { __type: error.code, message });
        else respond(response, 500, { __type: "InternalFailure", message });
      },
    );
  });

  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    requests,
    arrivals,
    faults,
    createKey(region, replicas = []) {
      const material = randomBytes(32);
      const id = replicas.length === 0 ? randomUUID() : `mrk-${randomBytes(16).toString("hex")}`;
      const [arn] = [region, ...replicas].map((place) => {
        const name = `arn:aws:kms:${place}:${ACCOUNT}:key/${id}`;
        keys.set(name, { arn: name, region: place, material, state: "Enabled" });
        return name;
      });
      return arn as string;
    },
    setState(arn, state) {
      const key = keys.get(arn);
      if (key === undefined) throw new Error(`there is no ${arn}`);
      if (state === "gone") keys.delete(arn);
      else key.state = state;
    },
    addIdentity({ accessKeyId, secretAccessKey, denied = [] }) {
      identities.set(accessKeyId, { secretAccessKey, denied });
    },
    stop: () => stop(server),
  };
}

function associated(context: Context): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context ?? {}).sort()));
}

function fingerprint({ material }: Key): Buffer {
  const cipher = createCipheriv("aes-256-ecb", material, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(Buffer.alloc(16)), cipher.final()]).subarray(0, 8);
}
