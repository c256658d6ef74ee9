import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A PostgreSQL to start for one test alone: roles belong to a whole server. */
export interface Installation {
  readonly name: string;

  /** The folder that has `bin/postgres`; `undefined` for the one npm brought. */
  readonly installation: string | undefined;
}

const DEBIAN = "/usr/lib/postgresql";

/** The PostgreSQL that npm brought, and each that this machine has besides. */
export function findInstallations(): Installation[] {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort() : [];
  return [
    { name: "PostgreSQL 18 from npm", installation: undefined },
    ...versions
      .map((version) => ({ name: `PostgreSQL ${version} of this machine`, installation: join(DEBIAN, version) }))
      .filter(({ installation }) => existsSync(join(installation, "bin", "initdb"))),
  ];
}
