import { ConfigurationError } from "../errors.js";
import { versionOf, type CredentialSource } from "./credential-source.js";
import { LoginPassword } from "./login-password.js";

/** Which variables of the environment to read. */
export interface EnvironmentCredentials {
  /** Holds the password. @defaultValue `PGPASSWORD` */
  readonly password?: string | undefined;

  /** Holds the login. @defaultValue none: the address, or `PGUSER`, says it */
  readonly user?: string | undefined;
}

/** The password from a variable of the environment, read for each new connection. */
export function environmentCredentials({
  password: variable = "PGPASSWORD",
  user: userVariable,
}: EnvironmentCredentials = {}): CredentialSource {
  const name = `the variable ${variable}`;
  return {
    name,
    async get({ refused }) {
      const text = read(variable);
      const user = userVariable === undefined ? undefined : read(userVariable);
      const version = versionOf(user, text);
      return refused.includes(version) ? undefined : { user, password: new LoginPassword(text), version };
    },
  };
}

function read(variable: string): string {
  const text = process.env[variable];
  if (text !== undefined && text !== "") return text;
  throw new ConfigurationError(`The variable ${variable} is empty, and a login of the database was to be read from it`, {
    remedy: `Set ${variable}, or name another`,
  });
}
