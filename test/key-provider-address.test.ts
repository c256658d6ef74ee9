import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import "./support/errors-of-node.js";

import { ConfigurationError } from "../src/errors.js";
import { parseKeyProvider } from "../src/keys/key-provider-address.js";
import { CONTEXT } from "./contract/key-provider.js";
import { startAwsKms } from "./support/aws-kms-server.js";

const parse = (address: string, environment: "development" | "production" = "production") => parseKeyProvider(address, { environment });
const KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

it.each([
  [`aws-kms://${KEY}`, "aws-kms"],
  [`aws-kms://${KEY}?also=${KEY}&also=${KEY}&endpoint=https://vpce-1.kms.eu-central-1.vpce.amazonaws.com`, "aws-kms"],
  ["gcp-kms://projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k", "gcp-kms"],
  ["azure-kv://clinic.vault.azure.net/keys/safetypin?also=old.vault.azure.net/keys/safetypin", "azure-key-vault"],
])("%s is a key of %s", (address, name) => {
  expect(parse(address)).toMatchObject({ name });
  expect(parse(address).isForDevelopment).not.toBe(true);
});

it.each([
  "",
  "aws-kms:",
  `aws-kms:${KEY}`,
  "aws-kms://alias/safetypin",
  KEY,
  "gcp-kms://k",
  "azure-kv://clinic.vault.azure.net/secrets/safetypin",
  "vault://transit/keys/safetypin",
  "constructor://x",
  "file://keys.json",
  `aws-kms://${KEY}?also=alias/old`,
  `aws-kms://${KEY}?regions=all`,
  "azure-kv://clinic.vault.azure.net/keys/safetypin?endpoint=https://elsewhere",
])("%p is refused", (address) => {
  expect(() => parse(address, "development")).toThrow(ConfigurationError);
});

it("reads a file relative to where it is, or from the root; never in production", async () => {
  const folder = await mkdtemp(join(tmpdir(), "safetypin-address-"));
  const elsewhere = process.cwd();
  process.chdir(folder);
  try {
    const { share, wrapped } = await parse("file:.safetypin/keys.json", "development").generate(CONTEXT);
    for (const address of [`file:${folder}/.safetypin/keys.json`, `file://${folder}/.safetypin/keys.json`, "file:./.safetypin/keys.json"]) {
      expect(await parse(address, "development").unwrap(wrapped, CONTEXT)).toEqual(share);
    }
  } finally {
    process.chdir(elsewhere);
    await rm(folder, { recursive: true });
  }
  expect(() => parse("file:.safetypin/keys.json")).toThrow("a production cell cannot take its keys from local-key-file");
});

const GCP = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/";
const VAULT = "https://clinic.vault.azure.net/keys/";
const [own, before] = ["mrk-1234abcd12ab34cd56ef1234567890ab", "1234abcd-12ab-34cd-56ef-1234567890ab"].map(
  (id) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`,
) as [string, string];

it.each([
  [`aws-kms://${own}?also=${before}`, own, "wraps"],
  [`aws-kms://${own}?also=${before}`, own.replace("eu-central-1", "eu-west-1"), "wraps"],
  [`aws-kms://${own}?also=${before}`, before, "opens"],
  [`aws-kms://${own}?also=${before}`, before.replace("eu-central-1", "eu-west-1"), "none"],
  [`aws-kms://${own}?also=${before}`, `${GCP}k`, "none"],
  [`gcp-kms://${GCP}k?also=${GCP}old`, `${GCP}k/cryptoKeyVersions/7`, "wraps"],
  [`gcp-kms://${GCP}k?also=${GCP}old`, `${GCP}old/cryptoKeyVersions/1`, "opens"],
  [`gcp-kms://${GCP}k?also=${GCP}old`, `${GCP}other/cryptoKeyVersions/1`, "none"],
  ["azure-kv://clinic.vault.azure.net/keys/k?also=clinic.vault.azure.net/keys/old", `${VAULT}k/${"0".repeat(32)}`, "wraps"],
  ["azure-kv://clinic.vault.azure.net/keys/k?also=clinic.vault.azure.net/keys/old", `${VAULT}old/${"0".repeat(32)}`, "opens"],
  ["azure-kv://clinic.vault.azure.net/keys/k?also=clinic.vault.azure.net/keys/old", `${VAULT}other`, "none"],
  // Of two services: the first wraps.
  [`gcp-kms://${GCP}k aws-kms://${own}?also=${before}`, `${GCP}k/cryptoKeyVersions/7`, "wraps"],
  [`gcp-kms://${GCP}k aws-kms://${own}?also=${before}`, own, "opens"],
  [`gcp-kms://${GCP}k aws-kms://${own}?also=${before}`, before, "opens"],
  [`gcp-kms://${GCP}k aws-kms://${own}?also=${before}`, `${VAULT}other`, "none"],
])("of %s, that which wrapped by %s is told: %s", async (address, keyName, relation) => {
  expect(await parse(address).relationTo?.(keyName)).toBe(relation);
});

it("may be several, of one kind each", () => {
  expect(parse(`gcp-kms://${GCP}k\n  aws-kms://${own}`)).toMatchObject({ name: "gcp-kms", alsoOpens: ["aws-kms"], isForDevelopment: false });
  expect(() => parse(`aws-kms://${own} aws-kms://${before}`)).toThrow(
    expect.objectContaining({ message: "keys come from aws-kms twice", remedy: expect.stringContaining("?also=") }),
  );
  expect(() => parse(`gcp-kms://${GCP}k vault:transit/keys/safetypin`)).toThrow("is no address of a key");
  // A file's name may have spaces in it.
  expect(parseKeyProvider("file:/var/lib/my keys.json", { environment: "test" }).name).toBe("local-key-file");
  expect(parseKeyProvider(`aws-kms://${own} file:/var/lib/my keys.json`, { environment: "test" })).toMatchObject({
    name: "aws-kms",
    isForDevelopment: true,
  });
});

it("reaches the key that it names", async () => {
  const kms = await startAwsKms();
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
  kms.addIdentity(credentials);
  // As the environment has them.
  process.env["AWS_ACCESS_KEY_ID"] = credentials.accessKeyId;
  process.env["AWS_SECRET_ACCESS_KEY"] = credentials.secretAccessKey;
  const [old, key] = [kms.createKey("eu-central-1"), kms.createKey("eu-central-1")];
  const before = parse(`aws-kms://${old}?endpoint=${kms.url}`);
  const after = parse(`aws-kms://${key}?also=${old}&endpoint=${kms.url}`);
  try {
    const { share, wrapped } = await before.generate(CONTEXT);
    const again = await after.rewrap(wrapped, CONTEXT);

    expect([wrapped.keyName, again.keyName]).toEqual([old, key]);
    expect(await after.unwrap(again, CONTEXT)).toEqual(share);
  } finally {
    delete process.env["AWS_ACCESS_KEY_ID"];
    delete process.env["AWS_SECRET_ACCESS_KEY"];
    await before.close?.();
    await after.close?.();
    await kms.stop();
  }
});
