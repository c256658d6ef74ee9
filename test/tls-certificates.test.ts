import { chmod, copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { inspect } from "node:util";

import type pg from "pg";

import { prepareDatabase } from "../src/development/prepare-database.js";
import { throwAwayHome } from "../src/development/server-home.js";
import { ConfigurationError } from "../src/errors.js";
import { SafetyPin } from "../src/safetypin.js";
import type { TlsOptions } from "../src/tls.js";
import { createAuthority, type Authority, type CertificatePair } from "./support/authority.js";
import { runCli } from "./support/cli.js";
import { uniqueCellName } from "./support/database.js";
import { useServer } from "./support/server.js";
import { connect as connectAdmin } from "./support/template.js";
import { keysOfProduction } from "./support/keys.js";

jest.setTimeout(60_000);

const context = useServer();
const cell = uniqueCellName();
const login = `${cell}_app_login`;
const serverUser = process.getuid?.() === 0 ? 65534 : undefined;

let directory: string;
let authority: Authority;
let stranger: Authority;
let client: CertificatePair;
let revoked: CertificatePair;
let foreign: CertificatePair;
let hba: string;
let admin: pg.Client;

beforeAll(async () => {
  directory = await throwAwayHome();
  authority = await createAuthority(join(directory, "authority"), "Clinic Authority");
  stranger = await createAuthority(join(directory, "stranger"), "Somebody Else");
  client = await authority.issue("client", { name: login });
  revoked = await authority.issue("revoked", { name: login });
  foreign = await stranger.issue("foreign", { name: login });

  const { dataDirectory } = context.server;
  admin = await connectAdmin(context.server.connectionString());
  await prepareDatabase(admin, { cell });
  hba = await readFile(join(dataDirectory, "pg_hba.conf"), "utf8");

  await show(await authority.issue("server", { name: "localhost", hosts: ["DNS:localhost", "IP:127.0.0.1"], owner: serverUser }));
  await copyFile(authority.certificate, join(dataDirectory, "root.crt"));
  await copyFile(await authority.revoke(revoked), join(dataDirectory, "root.crl"));
  await admin.query("alter system set ssl_ca_file = 'root.crt'");
  await admin.query("alter system set ssl_crl_file = 'root.crl'");
  await admin.query("alter system set ssl = on");
  await reload();
}, 120_000);

afterAll(async () => {
  await admin.end();
  await rm(directory, { recursive: true, force: true });
});

/** Lets the server show this certificate from the next connection on. */
async function show({ certificate, key }: CertificatePair): Promise<void> {
  for (const [setting, file] of [["ssl_cert_file", certificate], ["ssl_key_file", key]] as const) {
    await admin.query(`alter system set ${setting} = '${file}'`);
  }
  await reload();
}

/** Reads the settings again, and waits until a new connection is made under them. */
async function reload(): Promise<void> {
  const { rows } = await admin.query<{ time: Date }>("select pg_conf_load_time() as time");
  await admin.query("select pg_reload_conf()");
  for (;;) {
    const { rows: now } = await admin.query<{ time: Date }>("select pg_conf_load_time() as time");
    if (now[0]?.time.getTime() !== rows[0]?.time.getTime()) return;
  }
}

async function connect(tls: TlsOptions = {}, ssl?: pg.PoolConfig["ssl"]): Promise<SafetyPin> {
  return SafetyPin.connect({
    keys: keysOfProduction(),
    cell,
    connectionString: `postgres://${login}@localhost:${context.server.port}/postgres`,
    tls: { ca: authority.certificate, ...tls },
    ...(ssl === undefined ? {} : { pool: { ssl } }),
    allowVulnerableServer: true,
    log: () => undefined,
  });
}

/** What a connection is refused with; that one is made is no refusal. */
async function refusal(connecting: Promise<SafetyPin>): Promise<ConfigurationError> {
  const outcome: unknown = await connecting.then(
    (safetypin) => safetypin.close(),
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(ConfigurationError);
  return outcome as ConfigurationError;
}

/** One sentence that names the server, and something to do about it. */
async function expectRefusal(connecting: Promise<SafetyPin>, sentence: RegExp, remedy: RegExp): Promise<void> {
  const error = await refusal(connecting);
  expect(error.message).toMatch(sentence);
  expect(error.message).toContain(`localhost:${context.server.port}`);
  expect(error.message).not.toContain("\n");
  expect(error.remedy).toMatch(remedy);
}

describe("a server's certificate", () => {
  let good: CertificatePair;

  beforeAll(async () => {
    good = await authority.issue("good", { name: "localhost", hosts: ["DNS:localhost"], owner: serverUser });
  });
  afterEach(() => show(good));

  test("by an authority that was named, for the name that was asked for", async () => {
    await (await connect()).close();
    await (await connect({ ca: await readFile(authority.certificate, "utf8") })).close();
  });

  test("that has expired", async () => {
    await show(await authority.issue("expired", { name: "localhost", hosts: ["DNS:localhost"], days: -1, owner: serverUser }));
    await expectRefusal(connect(), /CERT_HAS_EXPIRED\): it has expired/, /Renew it on localhost/);
  });

  test("for another host", async () => {
    await show(await authority.issue("other", { name: "other", hosts: ["DNS:other.example.com"], owner: serverUser }));
    await expectRefusal(connect(), /ALTNAME_INVALID\): it is for other\.example\.com, not for localhost/, /Name the host as the certificate does/);
  });

  test("is looked at by us first, whoever looks at it besides", async () => {
    const seen: string[] = [];
    const looks = (host: string) => void seen.push(host);
    await show(await authority.issue("looked-at", { name: "other", hosts: ["DNS:other.example.com"], owner: serverUser }));
    await expectRefusal(connect({}, { checkServerIdentity: looks }), /ALTNAME_INVALID/, /Name the host/);
    expect(seen).toEqual([]);

    await show(good);
    await (await connect({}, { checkServerIdentity: looks, minVersion: "TLSv1.3", ca: undefined })).close();
    expect(seen).toContain("localhost");
    const isAnother = () => new Error("the fingerprint is another");
    expect((await refusal(connect({}, { checkServerIdentity: isAnother }))).message).toContain("the fingerprint is another");
  });

  test("is not looked at under options that speak older TLS, or say themselves whom they trust", async () => {
    for (const ssl of [{ minVersion: "TLSv1" }, { minVersion: "TLSv1.1" }, { maxVersion: "TLSv1.1" }] as const) {
      expect((await refusal(connect({}, ssl))).message).toMatch(/^TLS 1\.2 is the oldest that is spoken: ssl\.m(in|ax)Version is TLSv1(\.1)?$/);
    }
    for (const ssl of [{ secureProtocol: "TLSv1_method" }, { secureContext: createSecureContext() }]) {
      expect((await refusal(connect({}, ssl))).message).toMatch(/^ssl\.secure(Protocol|Context) says itself/);
    }
    expect((await refusal(connect({}, { rejectUnauthorized: false }))).message).toContain("rejectUnauthorized: false");
  });

  test("by an authority that nobody named", async () => {
    await expectRefusal(connect({ ca: undefined }), /cannot be believed \(\w+\): nobody we trust has signed it/, /tls: \{ ca: FILE \}/);
    await show(await stranger.issue("server", { name: "localhost", hosts: ["DNS:localhost"], owner: serverUser }));
    await expectRefusal(connect(), /nobody we trust has signed it/, /docs\/tls\.md/);
  });

  test("a server without any", async () => {
    await admin.query("alter system set ssl = off");
    await reload();
    try {
      await expectRefusal(connect(), /does not speak TLS/, /ssl = on/);
    } finally {
      await admin.query("alter system set ssl = on");
      await reload();
    }
  });

  test("a server that speaks nothing newer than TLS 1.1 is not spoken to", async () => {
    await admin.query("alter system set ssl_min_protocol_version = 'TLSv1'");
    await admin.query("alter system set ssl_max_protocol_version = 'TLSv1.1'");
    await reload();
    try {
      const error = await refusal(connect());
      expect(error.message).toContain(`localhost:${context.server.port}`);
    } finally {
      await admin.query("alter system reset ssl_min_protocol_version");
      await admin.query("alter system reset ssl_max_protocol_version");
      await reload();
    }
  });
});

describe("a client's certificate", () => {
  const pathOf = () => join(context.server.dataDirectory, "pg_hba.conf");

  beforeAll(async () => {
    await writeFile(pathOf(), `hostssl all ${login} all trust clientcert=verify-full\n${hba}`);
    await reload();
  });

  afterAll(async () => {
    await writeFile(pathOf(), hba);
    await reload();
  });

  test("by the authority the server trusts, for the login", async () => {
    await (await connect({ certificate: client.certificate, key: client.key })).close();
  });

  test("that was revoked", async () => {
    await expectRefusal(
      connect({ certificate: revoked.certificate, key: revoked.key }),
      /refuses our client certificate \(\w*REVOKED\w*\)/,
      /Its authority has revoked it/,
    );
  });

  test("by an authority the server does not know", async () => {
    await expectRefusal(
      connect({ certificate: foreign.certificate, key: foreign.key }),
      /refuses our client certificate \(\w*UNKNOWN_CA\w*\)/,
      /ssl_ca_file/,
    );
  });

  test("of another login", async () => {
    const other = await authority.issue("other-login", { name: "somebody" });
    await expectRefusal(connect({ certificate: other.certificate, key: other.key }), /refuses "cell_\w+_app_login"/, /with this certificate/);
  });

  test("that is missing", async () => {
    await expectRefusal(connect(), /refuses "cell_\w+_app_login": .*client certificate/, /tls: \{ certificate: FILE, key: FILE \}/);
  });

  test("whose key others may read is not used", async () => {
    await chmod(client.key, 0o644);
    try {
      const error = await refusal(connect({ certificate: client.certificate, key: client.key }));
      expect(error).toMatchObject({
        message: `The key ${client.key} may be read by others: its mode is 0644`,
        remedy: `Run: chmod 600 ${client.key}`,
      });
    } finally {
      await chmod(client.key, 0o600);
    }
  });

  test("without its key, and files that are not there or hold something else", async () => {
    expect((await refusal(connect({ certificate: client.certificate }))).message).toContain("no key for it");
    expect((await refusal(connect({ ca: "/nowhere.pem" }))).message).toContain("cannot be read from /nowhere.pem (ENOENT)");
    const text = join(directory, "no.pem");
    await writeFile(text, "hello");
    expect((await refusal(connect({ ca: text }))).message).toContain(`${text}, holds no PEM`);
  });

  test("that is renewed beside a running process is shown by the next connection", async () => {
    const files = { certificate: join(directory, "renewed.crt"), key: join(directory, "renewed.key") };
    await copyFile(client.certificate, files.certificate);
    await copyFile(client.key, files.key);
    const safetypin = await SafetyPin.connect({
      keys: keysOfProduction(),
      cell,
      connectionString: `postgres://${login}@localhost:${context.server.port}/postgres`,
      // A connection is made for each piece of work.
      pool: { max: 1, maxUses: 1 },
      tls: { ca: authority.certificate, ...files },
      allowVulnerableServer: true,
      log: () => undefined,
    });
    const work = () => safetypin.register({ email: "ann@example.com", password: "short", firstName: "Ann", lastName: "E" });
    try {
      await expect(work()).rejects.toMatchObject({ remedy: "load the base seeds: safetypin seed" });
      await copyFile(revoked.key, files.key);
      await copyFile(revoked.certificate, files.certificate);
      await expect(work()).rejects.toThrow(/REVOKED/);
    } finally {
      await safetypin.close();
    }
  });

  test("is in nothing that is printed", async () => {
    const key = (await readFile(client.key, "utf8")).split("\n")[1] as string;
    const safetypin = await connect({ certificate: client.certificate, key: client.key });
    const error = await refusal(connect({ certificate: revoked.certificate, key: client.key }));
    expect(inspect(safetypin, { depth: 20, showHidden: true }) + inspect(error, { depth: 20 })).not.toContain(key);
    await safetypin.close();
  });
});

describe("the command", () => {
  const url = (parameters: Readonly<Record<string, string>>, host = "localhost") => {
    const address = new URL(`postgres://postgres@${host}:${context.server.port}/postgres`);
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
    return address.href;
  };
  const status = (env: Readonly<Record<string, string>>) => runCli(["migrate", "status", "--cell", cell], { env });

  test.each([
    ["nothing at all", () => ({ DATABASE_URL: url({}) })],
    ["sslmode=disable", () => ({ DATABASE_URL: url({ sslmode: "disable" }) })],
    ["sslmode=require, which looks at no certificate", () => ({ DATABASE_URL: url({ sslmode: "require" }) })],
    ["sslmode=verify-ca, which looks at no name", () => ({ DATABASE_URL: url({ sslmode: "verify-ca", sslrootcert: authority.certificate }, "127.1") })],
    ["sslmode=verify-full", () => ({ DATABASE_URL: url({ sslmode: "verify-full", sslrootcert: authority.certificate }) })],
    ["parameters that ask for no more than that", () => ({ DATABASE_URL: url({ channel_binding: "prefer", ssl_min_protocol_version: "TLSv1.2" }) })],
    ["PGSSLMODE and PGSSLROOTCERT", () => ({ DATABASE_URL: url({}), PGSSLMODE: "verify-full", PGSSLROOTCERT: authority.certificate })],
    [
      "PGSSLCERT and PGSSLKEY",
      () => ({ DATABASE_URL: url({}), PGSSLMODE: "require", PGSSLCERT: client.certificate, PGSSLKEY: client.key }),
    ],
  ])("connects with %s", async (_, env) => {
    expect(await status(env())).toMatchObject({ code: 0, stderr: "" });
  });

  test.each([
    ["an authority of nobody's", () => ({ DATABASE_URL: url({ sslmode: "verify-full" }) }), /nobody we trust/, /PGSSLROOTCERT/],
    ["PGSSLMODE alone", () => ({ DATABASE_URL: url({}), PGSSLMODE: "verify-full" }), /nobody we trust/, /PGSSLROOTCERT/],
    ["sslmode=require beside an authority", () => ({ DATABASE_URL: url({ sslmode: "require", sslrootcert: stranger.certificate }) }), /nobody we trust/, /./],
    ["another name", () => ({ DATABASE_URL: url({ sslmode: "verify-full", sslrootcert: authority.certificate }, "127.1") }), /not for 127\.1/, /./],
    ["sslmode=verify-ca without an authority", () => ({ DATABASE_URL: url({ sslmode: "verify-ca" }) }), /verify-ca/, /sslrootcert/],
    ["the channel bound to the password", () => ({ DATABASE_URL: url({ channel_binding: "require" }) }), /DATABASE_URL asks for channel_binding=require/, /Leave channel_binding out; sslmode=verify-full/],
    ["a list of revoked certificates", () => ({ DATABASE_URL: url({ sslmode: "verify-full", sslrootcert: authority.certificate, sslcrl: "revoked.crl" }) }), /asks for sslcrl=revoked\.crl/, /Leave sslcrl out/],
    ["a mode that there is not", () => ({ DATABASE_URL: url({ sslmode: "maybe" }) }), /sslmode=maybe/, /verify-full/],
    ["a revoked certificate", () => ({ DATABASE_URL: url({ sslmode: "require", sslcert: revoked.certificate, sslkey: revoked.key }) }), /refuses our client certificate/, /PGSSLCERT/],
  ])("does not connect with %s", async (_, env, sentence, remedy) => {
    const { code, stdout, stderr } = await status(env());
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const [first = "", second = ""] = stderr.split("\n");
    expect(first).toMatch(sentence);
    expect(second).toMatch(remedy);
  });
});
