import { explainNoIdentity } from "./aws-identity.js";
import type { AwsOptions } from "./aws-options.js";
import type { CredentialSource } from "./credential-source.js";
import { LoginPassword } from "./login-password.js";
import { loadOptional } from "./optional-package.js";

/** For what a token is signed. What is left out is the connection's own. */
export interface RdsIamCredentials extends Omit<AwsOptions, "endpoint"> {
  /**
   * The name of the server's endpoint, where the connection goes by another: through a
   * tunnel or an alias. A token is good for one name only.
   */
  readonly hostname?: string | undefined;

  /** The port that goes with it. */
  readonly port?: number | undefined;
}

/**
 * Tokens of RDS IAM in place of a password: signed here, for each new connection, good for
 * fifteen minutes to connect with. The server sees them as they are, so only TLS carries them.
 *
 * Needs the package `@aws-sdk/rds-signer`, and in the database: grant rds_iam to the login.
 */
export function rdsIamCredentials({ hostname, port, ...aws }: RdsIamCredentials = {}): CredentialSource {
  return {
    name: "RDS IAM",
    needsTls: true,
    async get({ destination, refused }) {
      // Another token would say the same.
      if (refused.length > 0) return undefined;
      const { Signer } = await loadOptional("@aws-sdk/rds-signer", () => import("@aws-sdk/rds-signer"));
      const signer = new Signer({
        hostname: hostname ?? destination.host,
        port: port ?? destination.port,
        username: destination.user,
        ...aws,
      });
      try {
        return { password: new LoginPassword(await signer.getAuthToken()), version: "token" };
      } catch (error) {
        throw explainNoIdentity(error, "sign a token for RDS") ?? error;
      }
    },
  };
}
