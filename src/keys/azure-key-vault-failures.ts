import type { KeyProviderErrorCode } from "../errors.js";
import { DeadlinePassed } from "./deadline.js";
import { failuresOf } from "./key-failures.js";
import { isOfTheNetwork } from "./network-errors.js";

/** Makes errors about keys in Azure Key Vault. */
export const azureFailure = failuresOf({
  master_key_access_denied:
    'Give this identity the role "Key Vault Crypto Service Encryption User" on the key, and let the vault\'s firewall pass this network',
  kms_credentials_rejected: "See who this process is: az account show. DefaultAzureCredential says in the cause what it tried",
  master_key_disabled: "az keyvault key set-attributes --id KEY-URL --enabled true",
  master_key_mismatch: "Configure it beside the key that wraps now, until every share is rewrapped (docs/keys.md)",
  master_key_not_found: "Compare with: az keyvault key list-versions --vault-name VAULT --name NAME",
  master_key_pending_deletion: "az keyvault key recover --vault-name VAULT --name NAME",
  master_key_unusable: "It has to be an RSA key of 2 048 bits or more that may wrapKey and unwrapKey, and within its dates",
});

/** Errors of `@azure/identity`, by name. */
const OF_CREDENTIALS: ReadonlySet<string> = new Set([
  "AggregateAuthenticationError",
  "AuthenticationError",
  "AuthenticationRequiredError",
  "CredentialUnavailableError",
]);

/** By the status of the answer. A 403 and a 404 can mean more than this: see the provider. */
const CODES: Readonly<Record<number, KeyProviderErrorCode>> = {
  400: "share_refused",
  401: "kms_credentials_rejected",
  403: "master_key_access_denied",
  404: "master_key_not_found",
  408: "kms_unavailable",
  429: "kms_throttled",
};

/**
 * What an error of the client stands for; `undefined` for what is not known.
 *
 * @param lastStatus the status of the last answer there was, if the error has none
 */
export function codeOfAzure(error: unknown, lastStatus: number | undefined): KeyProviderErrorCode | undefined {
  if (error instanceof DeadlinePassed) return "kms_timeout";
  const { name, code, statusCode = lastStatus } = (error ?? {}) as { name?: string; code?: unknown; statusCode?: number | undefined };
  if (OF_CREDENTIALS.has(name ?? "")) return "kms_credentials_rejected";
  if (code === "REQUEST_SEND_ERROR" || isOfTheNetwork(code)) return "kms_unavailable";
  if (statusCode === undefined || statusCode < 400) return undefined;
  return CODES[statusCode] ?? (statusCode >= 500 ? "kms_unavailable" : undefined);
}
