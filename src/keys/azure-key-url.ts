import { ConfigurationError } from "../errors.js";

/** The name of a key in a vault. */
export interface AzureKeyUrl {
  /** The vault's own address. */
  readonly vault: string;
  readonly name: string;
  readonly version: string | undefined;

  /** The key's URL without a version. */
  readonly key: string;
}

/**
 * Reads a key's URL, with a version or without.
 *
 * @throws {@link ConfigurationError}
 */
export function parseAzureKeyUrl(text: string): AzureKeyUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [, name, version] = /^\/keys\/([0-9a-zA-Z-]+)(?:\/([0-9a-f]{32}))?\/?$/.exec(url?.pathname ?? "") ?? [];
  if (url?.protocol !== "https:" || name === undefined) {
    throw new ConfigurationError(`${JSON.stringify(text)} is no key of a key vault`, {
      remedy: "Name it as https://VAULT.vault.azure.net/keys/NAME: az keyvault key show --vault-name VAULT --name NAME --query key.kid",
    });
  }
  return { vault: url.origin, name, version, key: `${url.origin}/keys/${name}` };
}
