import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { inspect } from "node:util";

import { rdsIamCredentials, type RdsIamCredentials } from "../src/credentials/rds-iam-credentials.js";
import { prepareDatabase } from "../src/development/prepare-database.js";
import { throwAwayHome } from "../src/development/server-home.js";
import { SafetyPin } from "../src/safetypin.js";
import { createAuthority, type Authority } from "./support/authority.js";
import { openRdsIamDoor, type RdsIamDoor } from "./support/rds-iam-door.js";
import { useServer } from "./support/server.js";
import { connect } from "./support/template.js";
import { keysOfProduction } from "./support/keys.js";

jest.setTimeout(60_000);

const context = useServer();
const region = "eu-central-1";
const keys = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: randomBytes(30).toString("base64") };
let directory: string;
let authority: Authority;
let door: RdsIamDoor;

beforeAll(async () => {
  const admin = await connect(context.server.connectionString());
  await prepareDatabase(admin, { cell: "safetypin", environment: "test" });
  await admin.end();
  directory = await throwAwayHome();
  authority = await createAuthority(directory, "Regional Authority");
  const pair = await authority.issue("server", { name: "localhost", hosts: ["DNS:localhost"] });
  door = await openRdsIamDoor({ ...pair, keys, region, server: context.server });
}, 120_000);

afterAll(async () => {
  await door.close();
  await rm(directory, { recursive: true, force: true });
});

const open = (options: RdsIamCredentials = {}) =>
  SafetyPin.connect({
    keys: keysOfProduction(),
    environment: "test",
    connectionString: `postgres://safetypin_app_login@localhost:${door.port}/postgres?sslmode=verify-full`,
    tls: { ca: authority.certificate },
    credentials: rdsIamCredentials({ region, credentials: keys, ...options }),
    limits: { poolSize: 4 },
    log: () => undefined,
  });

it("is let in with a token that is signed for each connection", async () => {
  const before = door.tokens.length;
  const safetypin = await open();
  try {
    await Promise.all(Array.from({ length: 4 }, (_, index) => safetypin.requestPasswordReset(`nobody.${index}@example.com`)));
    const tokens = door.tokens.slice(before);
    // One to look at the server with, which is used again, and one for each that came at the same time.
    expect(tokens.length).toBe(4);
    expect(tokens[0]).toMatch(/^localhost:\d+\/\?.*X-Amz-Signature=[0-9a-f]{64}/);
    expect(inspect(safetypin, { depth: 20, showHidden: true })).not.toContain("X-Amz-Signature");
  } finally {
    await safetypin.close();
  }
});

it.each<[string, RdsIamCredentials]>([
  ["of another key", { credentials: { ...keys, secretAccessKey: "another" } }],
  ["of another region", { region: "us-east-1" }],
  ["for another host", { hostname: "db.example.com" }],
])("is refused with a token %s, and tries no second", async (_, options) => {
  const before = door.tokens.length;
  const error: unknown = await open(options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    message: expect.stringMatching(/refuses the token of "safetypin_app_login"$/) as string,
    remedy: expect.stringContaining("grant rds_iam to safetypin_app_login; allow rds-db:connect") as string,
  });
  expect(inspect(error, { depth: 10 })).not.toContain("X-Amz-Signature");
  expect(door.tokens.length).toBe(before + 1);
});

it.each<[string, Readonly<Record<string, string>>, RegExp, RegExp]>([
  ["nobody to sign it", { AWS_REGION: "eu-central-1" }, /^There are no credentials of AWS to sign a token for RDS with$/, /AWS_PROFILE/],
  ["no region", { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey }, /^No region says where to sign a token for RDS$/, /AWS_REGION/],
])("says that there is %s, and does not speak of the network", async (_, variables, sentence, remedy) => {
  const before = process.env;
  process.env = { PATH: before["PATH"], HOME: directory, AWS_EC2_METADATA_DISABLED: "true", ...variables };
  try {
    await expect(open({ region: undefined as never, credentials: undefined as never })).rejects.toMatchObject({
      name: "ConfigurationError",
      message: expect.stringMatching(sentence) as string,
      remedy: expect.stringMatching(remedy) as string,
    });
  } finally {
    process.env = before;
  }
});

it("sends no token without TLS", async () => {
  const before = door.tokens.length;
  await expect(
    SafetyPin.connect({
      keys: keysOfProduction(),
      environment: "development",
      connectionString: `postgres://safetypin_app_login@localhost:${door.port}/postgres`,
      credentials: rdsIamCredentials({ region, credentials: keys }),
    }),
  ).rejects.toMatchObject({
    message: "Credentials from RDS IAM cross the network as they are, and the connection is not encrypted",
  });
  expect(door.tokens.length).toBe(before);
});
