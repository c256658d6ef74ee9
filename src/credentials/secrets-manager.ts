import type { SecretsManager } from "@aws-sdk/client-secrets-manager";

import { ConfigurationError } from "../errors.js";
import { DeadlinePassed, withDeadline } from "../keys/deadline.js";
import { explainNoIdentity } from "./aws-identity.js";
import type { AwsOptions } from "./aws-options.js";
import { loadOptional } from "./optional-package.js";

/**
 * A client of Secrets Manager.
 *
 * @throws {@link ConfigurationError} when its package is not installed.
 */
export async function openSecretsManager(options: AwsOptions): Promise<SecretsManager> {
  const { SecretsManager } = await loadOptional(
    "@aws-sdk/client-secrets-manager",
    () => import("@aws-sdk/client-secrets-manager"),
  );
  return new SecretsManager(options);
}

/** How long an answer may take, with all that the library tries again. */
const ANSWER_WITHIN_MS = 10_000;

/**
 * Asks about a secret: the library itself waits for an answer for as long as there is none.
 *
 * @throws {@link ConfigurationError} with what kept us from it, and what to change.
 */
export async function askAbout<Answer>(
  secretId: string,
  work: keyof typeof NEEDED,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await withDeadline({ timeoutMs: ANSWER_WITHIN_MS, signal: undefined }, (abortSignal) => send({ abortSignal }));
  } catch (error) {
    throw explainSecretsManager(error, secretId, work);
  }
}

/** What is done with a secret, and what a role has to be allowed for it. */
const NEEDED = {
  read: "secretsmanager:GetSecretValue on it, and kms:Decrypt on its key",
  write:
    "secretsmanager:PutSecretValue, DescribeSecret and UpdateSecretVersionStage on it, CreateSecret where it is not there yet, and kms:GenerateDataKey and kms:Decrypt on its key",
} as const;

/** What kept us from a secret, in a sentence that names it, and what to change. */
function explainSecretsManager(error: unknown, secretId: string, work: keyof typeof NEEDED): ConfigurationError {
  if (error instanceof ConfigurationError) return error;
  const { name = "", message = "" } = error as Error;
  const because = (sentence: string, remedy: string) => new ConfigurationError(sentence, { remedy, cause: error });
  if (error instanceof DeadlinePassed) {
    return because(
      `Secrets Manager did not answer within ${String(ANSWER_WITHIN_MS / 1000)} s about the secret "${secretId}"`,
      "See whether this network reaches it: a VPC endpoint, its security group, a proxy",
    );
  }
  const nobody = explainNoIdentity(error, `${work} the secret "${secretId}"`);
  if (nobody !== undefined) return nobody;
  switch (name) {
    case "ResourceNotFoundException":
      return because(
        `There is no secret "${secretId}" in Secrets Manager, or none that is current`,
        "Look at its name, the region (AWS_REGION) and the account; or make it: safetypin credentials rotate",
      );
    case "AccessDeniedException":
      return because(
        `Secrets Manager does not let us ${work} the secret "${secretId}"`,
        `Allow ${NEEDED[work]}, to the role of this process`,
      );
    case "DecryptionFailure":
      return because(
        `The key of the secret "${secretId}" cannot be used: ${message}`,
        "Enable the key again, or allow kms:Decrypt on it",
      );
    case "EncryptionFailure":
      return because(
        `The key of the secret "${secretId}" cannot be used: ${message}`,
        "Enable the key again, or allow kms:GenerateDataKey on it",
      );
    case "InvalidRequestException":
      return because(`Secrets Manager does not ${work} the secret "${secretId}": ${message}`, "If it is to be deleted, restore it: aws secretsmanager restore-secret");
    case "UnrecognizedClientException":
    case "InvalidSignatureException":
    case "ExpiredTokenException":
      return because(`AWS does not accept the credentials of this process: ${message}`, "Renew them, and set this machine's clock right");
  }
  return because(`Secrets Manager did not ${work} the secret "${secretId}": ${name} ${message}`.trimEnd(), "Try again; see https://health.aws.amazon.com if it goes on");
}

export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
