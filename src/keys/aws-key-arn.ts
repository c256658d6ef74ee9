import { ConfigurationError } from "../errors.js";

/** The name of a key that means one key of one region, for ever. */
export interface AwsKeyArn {
  readonly text: string;
  readonly region: string;
  readonly account: string;
  readonly keyId: string;
}

const ARN = /^arn:aws[a-z-]*:kms:([a-z0-9-]+):(\d{12}):key\/([0-9a-zA-Z-]+)$/;

/**
 * Reads a key's ARN.
 *
 * @throws {@link ConfigurationError} for anything else. An alias can be pointed at another
 * key, and a bare id says no region.
 */
export function parseAwsKeyArn(text: string): AwsKeyArn {
  const [, region, account, keyId] = ARN.exec(text) ?? [];
  if (region === undefined || account === undefined || keyId === undefined) {
    throw new ConfigurationError(`${JSON.stringify(text)} is no ARN of a KMS key`, {
      remedy:
        "Name the key itself, as arn:aws:kms:REGION:ACCOUNT:key/ID: aws kms describe-key --key-id alias/NAME --query KeyMetadata.Arn",
    });
  }
  return { text, region, account, keyId };
}

/**
 * Whether both have the same key material: they are the same key, or the same
 * multi-Region key in two regions.
 */
export function isSameAwsKey(one: AwsKeyArn, other: AwsKeyArn): boolean {
  if (one.text === other.text) return true;
  return one.keyId.startsWith("mrk-") && one.keyId === other.keyId && one.account === other.account;
}
