import { ConfigurationError } from "../errors.js";
import { versionOf, type CredentialRequest, type CredentialSource } from "./credential-source.js";
import { LoginPassword } from "./login-password.js";

/** How to ask whatever knows the password. */
export interface CallbackCredentials {
  /** What it is, for sentences. @defaultValue `the callback` */
  readonly name?: string | undefined;

  /** Whether what it gives may only be sent over TLS, as tokens of Entra or IAM. @defaultValue false */
  readonly needsTls?: boolean | undefined;

  /** How often to look whether the login has become another. @defaultValue never */
  readonly checkEveryMs?: number | undefined;

  /** Asked for each new connection. */
  readonly get: (
    request: CredentialRequest,
  ) => Promise<{ readonly user?: string | undefined; readonly password: string }>;
}

/** Credentials from a function of the application's own: a vault, a token service, a sidecar. */
export function callbackCredentials({
  name = "the callback",
  needsTls = false,
  checkEveryMs,
  get,
}: CallbackCredentials): CredentialSource {
  return {
    name,
    needsTls,
    checkEveryMs,
    async get(request) {
      const { user, password } = await get(request);
      if (typeof password !== "string" || password === "") {
        throw new ConfigurationError(`No password came from ${name}`, {
          remedy: "Let it return { password } with a text that is not empty",
        });
      }
      const version = versionOf(user, password);
      const isRefused = request.refused.includes(version);
      return isRefused ? undefined : { user, password: new LoginPassword(password), version };
    },
  };
}
