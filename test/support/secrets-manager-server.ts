import { randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { SignatureError, verifySignature, type SigningKeys } from "./signature-v4.js";

/** A call as it came, for a test to look at or to act upon. */
export interface Call {
  /** `GetSecretValue`, `PutSecretValue`, … */
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What becomes of a call. */
export interface Watcher {
  /** Before it has any effect. What it throws is answered in its place. */
  readonly before?: ((call: Call) => void | Promise<void>) | undefined;

  /** When it has had its effect and nobody was told. */
  readonly after?: ((call: Call) => void | Promise<void>) | undefined;
}

/** An error as Secrets Manager answers with. */
export class SecretsManagerError extends Error {
  constructor(
    readonly type: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

/** Secrets Manager, as far as the SDK can tell. */
export interface SecretsManagerServer {
  readonly endpoint: string;
  readonly keys: SigningKeys;
  readonly region: string;

  /** What the SDK reads from the environment to come here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly calls: readonly Call[];

  /** Watches every call from now on. */
  watch(watcher: Watcher): void;

  /** The text under a stage; `undefined` when no version has it. */
  read(secretId: string, stage?: string): string | undefined;

  /** Writes a new current version, as a rotation function does. */
  write(secretId: string, text: string): void;
  stop(): Promise<void>;
}

interface Version {
  readonly text: string;
  readonly stages: Set<string>;
  readonly time: number;
}

/**
 * Starts a server that speaks Secrets Manager's wire protocol, AWS JSON 1.1, and answers
 * nobody whose signature it cannot compute itself.
 */
export async function startSecretsManager(): Promise<SecretsManagerServer> {
  const region = "eu-central-1";
  const keys = { accessKeyId: `AKIA${randomBytes(8).toString("hex").toUpperCase()}`, secretAccessKey: randomBytes(30).toString("base64") };
  const secrets = new Map<string, Map<string, Version>>();
  const calls: Call[] = [];
  let watcher: Watcher = {};

  const arn = (name: string) => `arn:aws:secretsmanager:${region}:000000000000:secret:${name}-Ab12Cd`;

  function versionsOf(secretId: unknown): [name: string, Map<string, Version>] {
    for (const [name, versions] of secrets) if (secretId === name || secretId === arn(name)) return [name, versions];
    throw new SecretsManagerError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
  }

  function move(versions: Map<string, Version>, stage: string, to: string | undefined): void {
    for (const [id, { stages }] of versions) {
      if (!stages.delete(stage) || stage !== "AWSCURRENT" || id === to) continue;
      for (const other of versions.values()) other.stages.delete("AWSPREVIOUS");
      stages.add("AWSPREVIOUS");
    }
    if (to !== undefined) versions.get(to)?.stages.add(stage);
  }

  function put(versions: Map<string, Version>, input: Call["input"]): Version & { readonly id: string } {
    const id = String(input["ClientRequestToken"] ?? randomUUID());
    if (id.length < 32) throw new SecretsManagerError("InvalidParameterException", "ClientRequestToken is too short");
    const text = String(input["SecretString"]);
    const known = versions.get(id);
    if (known !== undefined && known.text !== text) {
      throw new SecretsManagerError("ResourceExistsException", "A resource with the ID you requested already exists.");
    }
    const version = known ?? { text, stages: new Set<string>(), time: Date.now() / 1000 };
    versions.set(id, version);
    for (const stage of (input["VersionStages"] as string[] | undefined) ?? ["AWSCURRENT"]) move(versions, stage, id);
    // The first version of a secret is current, whatever it was called.
    if (versions.size === 1) version.stages.add("AWSCURRENT");
    return { ...version, id };
  }

  const operations: Record<string, (input: Call["input"]) => unknown> = {
    CreateSecret(input) {
      const name = String(input["Name"]);
      if (secrets.has(name)) throw new SecretsManagerError("ResourceExistsException", `The secret ${name} already exists.`);
      const versions = new Map<string, Version>();
      secrets.set(name, versions);
      const id = input["SecretString"] === undefined ? undefined : put(versions, { ...input, VersionStages: ["AWSCURRENT"] }).id;
      return { ARN: arn(name), Name: name, ...(id === undefined ? {} : { VersionId: id }) };
    },
    GetSecretValue(input) {
      const [name, versions] = versionsOf(input["SecretId"]);
      const stage = String(input["VersionStage"] ?? "AWSCURRENT");
      const found = [...versions].find(([id, version]) =>
        input["VersionId"] === undefined ? version.stages.has(stage) : id === input["VersionId"],
      );
      if (found === undefined) {
        throw new SecretsManagerError("ResourceNotFoundException", `Secrets Manager can't find the specified secret value for staging label: ${stage}`);
      }
      const [id, { text, stages, time }] = found;
      return { ARN: arn(name), Name: name, VersionId: id, SecretString: text, VersionStages: [...stages], CreatedDate: time };
    },
    PutSecretValue(input) {
      const [name, versions] = versionsOf(input["SecretId"]);
      const { id, stages } = put(versions, input);
      return { ARN: arn(name), Name: name, VersionId: id, VersionStages: [...stages] };
    },
    UpdateSecretVersionStage(input) {
      const [name, versions] = versionsOf(input["SecretId"]);
      const stage = String(input["VersionStage"]);
      const holder = [...versions].find(([, { stages }]) => stages.has(stage))?.[0];
      const to = input["MoveToVersionId"] as string | undefined;
      const from = input["RemoveFromVersionId"] as string | undefined;
      if (holder !== undefined && holder !== to && from !== holder) {
        throw new SecretsManagerError("InvalidParameterException", `The parameter RemoveFromVersionId must be ${holder}`);
      }
      move(versions, stage, to);
      return { ARN: arn(name), Name: name };
    },
    DescribeSecret(input) {
      const [name, versions] = versionsOf(input["SecretId"]);
      return {
        ARN: arn(name),
        Name: name,
        VersionIdsToStages: Object.fromEntries([...versions].filter(([, { stages }]) => stages.size > 0).map(([id, { stages }]) => [id, [...stages]])),
      };
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    let status = 200;
    let output: unknown;
    try {
      const { method = "", url = "", headers } = request;
      const signed = verifySignature({ method, url, headers, body }, keys);
      if (signed.service !== "secretsmanager" || signed.region !== region) {
        throw new SecretsManagerError("InvalidSignatureException", "Credential should be scoped to this service and region.");
      }
      const operation = String(headers["x-amz-target"]).replace(/^secretsmanager\./, "");
      const call = { operation, input: JSON.parse(body.toString("utf8")) as Call["input"] };
      calls.push(call);
      await watcher.before?.(call);
      const work = operations[operation];
      if (work === undefined) throw new SecretsManagerError("UnknownOperationException", operation);
      output = work(call.input);
      await watcher.after?.(call);
    } catch (error) {
      const [type, code] =
        error instanceof SecretsManagerError
          ? [error.type, error.status]
          : error instanceof SignatureError
            ? [error.code, 400]
            : ["InternalServiceError", 500];
      status = code;
      output = { __type: type, message: (error as Error).message };
      response.setHeader("x-amzn-errortype", type);
    }
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() });
    response.end(JSON.stringify(output));
  }

  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    keys,
    region,
    environment: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    },
    calls,
    watch: (next) => (watcher = next),
    read(secretId, stage = "AWSCURRENT") {
      return [...(secrets.get(secretId)?.values() ?? [])].find(({ stages }) => stages.has(stage))?.text;
    },
    write(secretId, text) {
      const versions = secrets.get(secretId) ?? new Map<string, Version>();
      secrets.set(secretId, versions);
      put(versions, { SecretString: text });
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
