import { execFile } from "node:child_process";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A certificate and its key, as files. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** For what a certificate is made. */
export interface CertificateOptions {
  /** Whose: the common name. */
  readonly name: string;

  /** The names and addresses of a server: `DNS:localhost`, `IP:127.0.0.1`. */
  readonly hosts?: readonly string[] | undefined;

  /** Until when it is good, counted from now. @defaultValue 1 */
  readonly days?: number | undefined;

  /** Whom the key belongs to. @defaultValue us */
  readonly owner?: number | undefined;
}

/** An authority that signs certificates, and takes them back. */
export interface Authority {
  /** Its own certificate, for those who trust it. */
  readonly certificate: string;

  /** Makes a certificate. */
  issue(file: string, options: CertificateOptions): Promise<CertificatePair>;

  /** Revokes certificates, and returns the file that says so. */
  revoke(...pairs: readonly CertificatePair[]): Promise<string>;
}

/** Makes an authority with OpenSSL, in a folder of its own. */
export async function createAuthority(directory: string, name: string): Promise<Authority> {
  await mkdir(directory, { recursive: true });
  const at = (file: string) => join(directory, file);
  const openssl = (...args: string[]) => run("openssl", args, { cwd: directory });
  await writeFile(at("index.txt"), "");
  await writeFile(at("serial"), "1000\n");
  await writeFile(at("crlnumber"), "1000\n");
  await writeFile(
    at("ca.cnf"),
    `[ca]
default_ca = own
[own]
dir = ${directory}
database = $dir/index.txt
new_certs_dir = $dir
serial = $dir/serial
crlnumber = $dir/crlnumber
certificate = $dir/ca.crt
private_key = $dir/ca.key
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
`,
  );
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl("req", "-x509", ...curve, "-keyout", at("ca.key"), "-out", at("ca.crt"), "-days", "30", "-subj", `/CN=${name}`);

  return {
    certificate: at("ca.crt"),
    async issue(file, { name: subject, hosts = [], days = 1, owner }) {
      const pair = { certificate: at(`${file}.crt`), key: at(`${file}.key`) };
      const extensions = hosts.length === 0 ? [] : ["-addext", `subjectAltName=${hosts.join(",")}`];
      await openssl("req", ...curve, "-keyout", pair.key, "-out", at(`${file}.csr`), "-subj", `/CN=${subject}`, ...extensions);
      const from = new Date(Date.now() + Math.min(0, days) * 86_400_000 - 86_400_000);
      const until = new Date(Date.now() + days * 86_400_000);
      await openssl(
        "ca", "-batch", "-notext", "-config", at("ca.cnf"), "-in", at(`${file}.csr`), "-out", pair.certificate,
        "-startdate", asn1(from), "-enddate", asn1(until),
      );
      await chmod(pair.key, 0o600);
      if (owner !== undefined) await chown(pair.key, owner, owner);
      return pair;
    },
    async revoke(...pairs) {
      for (const { certificate } of pairs) await openssl("ca", "-config", at("ca.cnf"), "-revoke", certificate);
      await openssl("ca", "-config", at("ca.cnf"), "-gencrl", "-out", at("ca.crl"));
      return at("ca.crl");
    },
  };
}

const asn1 = (date: Date) => `${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
