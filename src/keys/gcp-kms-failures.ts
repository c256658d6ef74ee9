import type { KeyProviderErrorCode } from "../errors.js";
import { DeadlinePassed } from "./deadline.js";
import { isOfFiles } from "./file-errors.js";
import { failuresOf } from "./key-failures.js";
import { isOfTheNetwork } from "./network-errors.js";

/** Makes errors about keys in Cloud KMS. */
export const gcpFailure = failuresOf({
  master_key_access_denied:
    "Grant this identity roles/cloudkms.cryptoKeyEncrypterDecrypter on the key. Google answers so for a key that does not exist, too",
  kms_credentials_rejected: "See who this process is: gcloud auth application-default print-access-token",
  master_key_disabled: "gcloud kms keys versions enable VERSION --key=KEY --keyring=RING --location=LOCATION",
  master_key_in_another_region: "Configure the key of that location beside this one (docs/keys.md)",
  master_key_mismatch: "Configure it beside the key that wraps now, until every share is rewrapped (docs/keys.md)",
  master_key_not_found: "Compare project, location, ring and name with: gcloud kms keys list --keyring=RING --location=LOCATION",
  master_key_pending_deletion: "gcloud kms keys versions restore VERSION --key=KEY --keyring=RING --location=LOCATION, then enable it",
  master_key_unusable: "Its purpose has to be ENCRYPT_DECRYPT, its primary version enabled, and the API enabled in the project",
});

/** gRPC's status codes, by their numbers. */
const CODES: Readonly<Record<number, KeyProviderErrorCode>> = {
  2: "kms_unavailable", // UNKNOWN: what is not gRPC at all
  3: "share_refused", // INVALID_ARGUMENT
  4: "kms_timeout", // DEADLINE_EXCEEDED
  5: "master_key_not_found", // NOT_FOUND
  7: "master_key_access_denied", // PERMISSION_DENIED
  8: "kms_throttled", // RESOURCE_EXHAUSTED
  9: "master_key_unusable", // FAILED_PRECONDITION
  13: "kms_unavailable", // INTERNAL
  14: "kms_unavailable", // UNAVAILABLE
  16: "kms_credentials_rejected", // UNAUTHENTICATED
};

/** What an error of the client stands for; `undefined` for what is not known. */
export function codeOfGcp(error: unknown): KeyProviderErrorCode | undefined {
  if (error instanceof DeadlinePassed) return "kms_timeout";
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "number" ? CODES[code] : undefined;
}

/**
 * What it stands for that no credentials were found: where they are read from, or asked for.
 * Google's libraries have no code for most of it.
 */
export function codeOfGcpCredentials(error: unknown): KeyProviderErrorCode {
  const { code, status } = (error ?? {}) as { code?: unknown; status?: unknown };
  const isDown = typeof status === "number" && status >= 500;
  return isDown || (isOfTheNetwork(code) && !isOfFiles(error)) ? "kms_unavailable" : "kms_credentials_rejected";
}
