import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";

import { prepareDatabase } from "../src/development/prepare-database.js";
import { SafetyPin } from "../src/safetypin.js";
import { uniqueCellName } from "./support/database.js";
import { speakTls, writeCertificate, type CertificateFiles } from "./support/certificate.js";
import { useServer } from "./support/server.js";
import { keysOfProduction } from "./support/keys.js";

jest.setTimeout(60_000);

// Its own, since nobody else's server is to speak TLS.
const context = useServer();
const cell = uniqueCellName();
let directory: string;
let files: CertificateFiles;

beforeAll(async () => {
  const { host, port, user } = context.server;
  directory = await mkdtemp(join(tmpdir(), "safetypin-test-tls-"));
  files = await writeCertificate(directory, undefined);

  const admin = new pg.Client({ host, port, user, database: "postgres" });
  await admin.connect();
  await prepareDatabase(admin, { cell });
  await admin.end();
  await speakTls(context.server);
}, 120_000);

afterAll(() => rm(directory, { recursive: true, force: true }));

function address(host: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(`postgres://${cell}_app_login@${host}:${context.server.port}/postgres`);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

const connect = (connectionString: string) =>
  SafetyPin.connect({ keys: keysOfProduction(), cell, connectionString, allowVulnerableServer: true, log: () => undefined });

it("is what production speaks, with a server whose certificate it believes", async () => {
  const safetypin = await connect(address("localhost", { sslrootcert: files.certificate }));

  await expect(safetypin.verifyEmail(`spo_000000_${"A".repeat(43)}_000000`)).rejects.toMatchObject({
    code: "token_malformed",
  });
  const policy = safetypin.register({ email: "ann@example.com", password: "short", firstName: "Ann", lastName: "E" });
  await expect(policy).rejects.toMatchObject({ remedy: "load the base seeds: safetypin seed" });
  await safetypin.close();
});

it("is refused with a server whose certificate nobody has signed that we trust", async () => {
  await expect(connect(address("localhost", {}))).rejects.toMatchObject({
    name: "ConfigurationError",
    message: expect.stringMatching(/^The certificate of localhost:\d+ cannot be believed/) as string,
    remedy: expect.stringContaining("sslrootcert") as string,
  });
});

it("is refused where the server goes by another name than its certificate", async () => {
  await expect(connect(address("127.1", { sslrootcert: files.certificate }))).rejects.toMatchObject({
    message: expect.stringContaining("cannot be believed (ERR_TLS_CERT_ALTNAME_INVALID)") as string,
  });
});

it("is missed on a pool that somebody else configured without it", async () => {
  const pool = new pg.Pool({ connectionString: address("127.0.0.1", {}), ssl: false });
  pool.on("error", () => undefined);
  await expect(
    SafetyPin.connect({ cell, pool, allowVulnerableServer: true, log: () => undefined }),
  ).rejects.toMatchObject({ message: expect.stringContaining("a connection without TLS") as string });
  await pool.end();
});
