import type { KeyProviderErrorCode } from "../errors.js";
import { DeadlinePassed } from "./deadline.js";
import { isOfFiles } from "./file-errors.js";
import { failuresOf } from "./key-failures.js";
import { isOfTheNetwork } from "./network-errors.js";

/** Makes errors about keys in AWS KMS. */
export const awsFailure = failuresOf({
  master_key_access_denied:
    "Allow kms:GenerateDataKey, kms:Decrypt and kms:ReEncrypt* on the key to this identity, in its policy or the key's (docs/keys.md)",
  kms_credentials_rejected:
    "See who this process is: aws sts get-caller-identity. Expired credentials, a clock that is wrong and another region's signature are told apart by the cause",
  master_key_disabled: "aws kms enable-key --key-id ARN",
  master_key_in_another_region:
    "Configure the key of that region beside this one, or replicate a multi-Region key to this region (docs/keys.md)",
  master_key_mismatch: "Configure it beside the key that wraps now, until every share is rewrapped (docs/keys.md)",
  master_key_not_found: "Compare region, account and id with: aws kms list-keys --region REGION",
  master_key_pending_deletion: "aws kms cancel-key-deletion --key-id ARN, then aws kms enable-key --key-id ARN",
  master_key_unusable:
    "See its state with: aws kms describe-key --key-id ARN. It has to be a symmetric key for encryption, and enabled",
});

/** By the names of the SDK's errors, which are KMS's own. */
const CODES: Readonly<Record<string, KeyProviderErrorCode>> = {
  AccessDeniedException: "master_key_access_denied",
  CredentialsProviderError: "kms_credentials_rejected",
  DependencyTimeoutException: "kms_unavailable",
  DisabledException: "master_key_disabled",
  ExpiredTokenException: "kms_credentials_rejected",
  IncompleteSignature: "kms_credentials_rejected",
  IncorrectKeyException: "master_key_mismatch",
  InvalidCiphertextException: "share_refused",
  InvalidClientTokenId: "kms_credentials_rejected",
  InvalidKeyUsageException: "master_key_unusable",
  InvalidSignatureException: "kms_credentials_rejected",
  KeyUnavailableException: "kms_unavailable",
  KMSInternalException: "kms_unavailable",
  KMSInvalidStateException: "master_key_unusable",
  LimitExceededException: "kms_throttled",
  MissingAuthenticationTokenException: "kms_credentials_rejected",
  NotFoundException: "master_key_not_found",
  RequestExpired: "kms_credentials_rejected",
  SignatureDoesNotMatch: "kms_credentials_rejected",
  ThrottlingException: "kms_throttled",
  TimeoutError: "kms_unavailable",
  TooManyRequestsException: "kms_throttled",
  TokenProviderError: "kms_credentials_rejected",
  Unknown: "kms_unavailable", // an answer that names no error: something else on the way gave it
  UnrecognizedClientException: "kms_credentials_rejected",
};

interface AwsError {
  readonly name: string;
  /** Whose fault it is, in errors that the service gave itself. */
  readonly $fault?: unknown;
  readonly $response?: unknown;
  /** Node's, for what happened on the way. */
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** What an error of the SDK stands for; `undefined` for what is not known. */
export function codeOfAws(error: unknown): KeyProviderErrorCode | undefined {
  if (error instanceof DeadlinePassed) return "kms_timeout";
  const { name, code, $fault, $metadata, $response } = (error ?? {}) as Partial<AwsError>;
  const known = CODES[name ?? ""];
  if (known !== undefined) return known;
  // The file of a token, or of a profile.
  if (isOfFiles(error)) return "kms_credentials_rejected";
  // An answer that is not the service's, as a proxy's page is not: no word on the key, whatever its status.
  const isOfAnother = $response !== undefined && $fault === undefined;
  if (isOfAnother || ($metadata?.httpStatusCode ?? 0) >= 500 || isOfTheNetwork(code)) return "kms_unavailable";
  return undefined;
}
