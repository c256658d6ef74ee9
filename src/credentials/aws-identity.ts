import { ConfigurationError } from "../errors.js";

/** What AWS's library lacks before it asks anybody: who we are, or where. `undefined` for anything else. */
export function explainNoIdentity(error: unknown, purpose: string): ConfigurationError | undefined {
  const { name = "", message = "" } = error as Error;
  if (name === "CredentialsProviderError") {
    return new ConfigurationError(`There are no credentials of AWS to ${purpose} with`, {
      remedy: "Run with a role (ECS, EKS, EC2), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      cause: error,
    });
  }
  if (/region is missing/i.test(message)) {
    return new ConfigurationError(`No region says where to ${purpose}`, { remedy: "Set AWS_REGION, or pass region", cause: error });
  }
  return undefined;
}
