import dns from "node:dns";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls, { type SecureContextOptions } from "node:tls";

import { CLOUD_CERTIFICATE } from "./cloud-certificate.js";

/*
 * Loaded before a cloud's library: its names lead to this machine, and the certificate
 * of the servers of tests is trusted, as if it stood in the system's own list. What the
 * libraries do about names, TLS and tokens is what they do anywhere.
 */

const ON_THIS_MACHINE = /(?:\.vault\.azure\.net|^login\.microsoftonline\.com)$/;

/** A folder for this file of tests: whatever a library wants to read. */
export const folder = mkdtempSync(join(tmpdir(), "safetypin-clouds-"));

const roots = join(folder, "roots.pem");
writeFileSync(roots, CLOUD_CERTIFICATE);
// gRPC has a list of its own, and reads it when it is loaded.
process.env["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = roots;

const { createSecureContext } = tls;
tls.createSecureContext = (options: SecureContextOptions = {}) =>
  createSecureContext({ ...options, ca: options.ca ?? [...tls.rootCertificates, CLOUD_CERTIFICATE] });

const { lookup } = dns;
dns.lookup = ((name: string, ...rest: unknown[]) => {
  const local = ON_THIS_MACHINE.test(name) ? "localhost" : name;
  return (lookup as (...input: unknown[]) => void)(local, ...rest);
}) as typeof lookup;

afterAll(() => {
  tls.createSecureContext = createSecureContext;
  dns.lookup = lookup;
  rmSync(folder, { recursive: true });
});
