import { KeyProviderError, type KeyProviderErrorCode } from "../errors.js";

/** What may be said besides. */
export interface FailureDetails {
  readonly cause?: unknown;

  /** More than the sentence knows: until when, which ones. */
  readonly detail?: string | undefined;
}

/** What to do about each failure, as far as it depends on the service. */
export type Remedies = Partial<Readonly<Record<KeyProviderErrorCode, string>>>;

/** What each failure says of the key. */
const SENTENCES: Readonly<Record<KeyProviderErrorCode, (key: string) => string>> = {
  master_key_access_denied: (key) => `these credentials may not use the key ${key}`,
  kms_answer_invalid: (key) => `the answer about the key ${key} is not what was asked for`,
  kms_credentials_rejected: (key) => `there are no credentials that are good for the key ${key}`,
  master_key_disabled: (key) => `the key ${key} is disabled`,
  master_key_in_another_region: (key) => `the share was wrapped by ${key}, in a region that is not configured`,
  master_key_mismatch: (key) => `the share was wrapped by ${key}, which is not the key that is configured`,
  master_key_not_found: (key) => `there is no key ${key}`,
  master_key_pending_deletion: (key) => `the key ${key} is going to be deleted`,
  master_key_unusable: (key) => `the key ${key} is in no state to wrap or unwrap`,
  kms_throttled: (key) => `too many requests for the key ${key}: all attempts were turned away`,
  kms_timeout: (key) => `no answer about the key ${key} in time`,
  kms_unavailable: (key) => `where the key ${key} is kept cannot be reached, or fails`,
  share_refused: (key) => `the key ${key} does not open this share for this cell, organization and key number`,
};

/** What to do, where it is the same for all services. */
const REMEDIES: Remedies = {
  kms_answer_invalid: "Try again; if it stays so, something between here and the service changes what passes",
  kms_throttled: "Ask for a higher quota, or look for processes that start over and over",
  kms_timeout: "Look at the network, and at the service's own status page",
  kms_unavailable: "Look at the network, and at the service's own status page",
  share_refused:
    "The row of tenant_keys was altered, or copied from another cell or organization: take it from a backup (docs/keys.md)",
};

/** Every code there is, for the page that lists them. */
export const KEY_PROVIDER_ERROR_CODES = Object.keys(SENTENCES) as KeyProviderErrorCode[];

/** Makes the errors of one service. */
export function failuresOf(remedies: Remedies) {
  return (code: KeyProviderErrorCode, key: string, { cause, detail }: FailureDetails = {}): KeyProviderError => {
    const sentence = SENTENCES[code](key);
    return new KeyProviderError(code, detail === undefined ? sentence : `${sentence}: ${detail}`, {
      remedy: remedies[code] ?? REMEDIES[code],
      cause,
    });
  };
}

/** Makes an error about a key. */
export type KeyFailure = ReturnType<typeof failuresOf>;
