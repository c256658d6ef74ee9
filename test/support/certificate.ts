import { chmod, chown, writeFile } from "node:fs/promises";
import { join } from "node:path";

import pg from "pg";

import type { EmbeddedServer } from "../../src/development/embedded-server.js";

/*
 * A certificate that signs itself, for localhost and 127.0.0.1, and its key. They are
 * nobody's: no server but one of a test has ever shown them.
 */
const CERTIFICATE = `
-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUSGkFZgHkkOKUtmpmcrChuIXb0m4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIzMzk1MloYDzIxMjYxMDMw
MjMzOTUyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASFb98MTx36e2NBRX4El2kU5TV2wQjbrhyT3A4/7ogZSYFGZJOgUkBo
uViDok5aMIb+vxmsDzHkWh7WGskL/bdAo28wbTAdBgNVHQ4EFgQUsR0C9fgahraw
HpBo/LxNzAg1pZswHwYDVR0jBBgwFoAUsR0C9fgahrawHpBo/LxNzAg1pZswDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAK0qjFae7mLx539eqdZz0Lz7P57F6cEysQy9tCGGPJVYAiEA
xL3TizLXSQgyMvwEFAvSby++6ml8nll1wNwPps7riMo=
-----END CERTIFICATE-----
`.trimStart();

const KEY = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2kwJUyDa4rb4MBl2
DIufo92Th9SCMKZmwBcj/T4mEzqhRANCAASFb98MTx36e2NBRX4El2kU5TV2wQjb
rhyT3A4/7ogZSYFGZJOgUkBouViDok5aMIb+vxmsDzHkWh7WGskL/bdA
-----END PRIVATE KEY-----
`.trimStart();

/** Where the certificate and its key lie. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Writes both into a folder, as PostgreSQL takes them: the key is its own user's alone. */
export async function writeCertificate(directory: string, serverUserId: number | undefined): Promise<CertificateFiles> {
  const certificate = join(directory, "server.crt");
  const key = join(directory, "server.key");
  await writeFile(certificate, CERTIFICATE);
  await writeFile(key, KEY);
  await chmod(key, 0o600);
  if (serverUserId !== undefined) await chown(key, serverUserId, serverUserId);
  return { certificate, key };
}

/** Makes a server speak TLS with this certificate: from the next connection on, to whoever asks for it. */
export async function speakTls({ dataDirectory, connectionString }: EmbeddedServer): Promise<void> {
  // Where we are root the server is nobody's.
  await writeCertificate(dataDirectory, process.getuid?.() === 0 ? 65534 : undefined);
  const admin = new pg.Client(connectionString());
  await admin.connect();
  try {
    await admin.query("alter system set ssl = on");
    await admin.query("select pg_reload_conf()");
  } finally {
    await admin.end();
  }
}
