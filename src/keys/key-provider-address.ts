import { ConfigurationError } from "../errors.js";
import type { Environment } from "../limits.js";
import { awsKms } from "./aws-kms.js";
import { azureKeyVault } from "./azure-key-vault.js";
import { gcpKms } from "./gcp-kms.js";
import type { KeyProvider } from "./key-provider.js";
import { localKeyFile } from "./local-key-file.js";
import { severalProviders } from "./several-providers.js";

/** Where else a key may be reached, and what the cell is for. */
export interface KeyProviderAddressOptions {
  /** What the cell says it is: a key file is refused in production. */
  readonly environment: Environment;
}

/** What may follow the key, as in an address on the web. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  "aws-kms": ["also", "endpoint"],
  "gcp-kms": ["also", "endpoint"],
  "azure-kv": ["also"],
  file: [],
};

/**
 * The provider that an address names, as the environment and the command line have it:
 *
 * - `aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID`
 * - `gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K`
 * - `azure-kv://VAULT.vault.azure.net/keys/NAME`
 * - `file:.safetypin/keys.json`
 *
 * The first two are Tink's. `?also=KEY` names one more key whose shares are opened, as
 * often as there are such; `?endpoint=` another way to the service. Several addresses, of
 * one kind each, are written one after the other: the first wraps, the others only open.
 *
 * @throws {@link ConfigurationError} when it names none, or one that does not fit the cell.
 */
export function parseKeyProvider(address: string, options: KeyProviderAddressOptions): KeyProvider {
  // A file's path may have spaces in it: what follows one is an address if it begins like one.
  const [own, ...others] = address.split(/\s+(?=[a-z-]+:)/).map((one) => parseOne(one, options));
  return others.length === 0 ? own! : severalProviders(own!, others);
}

function parseOne(address: string, { environment }: KeyProviderAddressOptions): KeyProvider {
  const [, scheme = "", slashes = "", rest = ""] = /^([a-z-]+):(\/\/)?(.+)$/s.exec(address) ?? [];
  const allowed = Object.hasOwn(PARAMETERS, scheme) ? PARAMETERS[scheme] : undefined;
  // file:keys.json, file:/keys.json and file:///keys.json are files; file://keys.json names a machine.
  const isWhole = scheme === "file" ? slashes === "" || rest.startsWith("/") : slashes !== "";
  if (allowed === undefined || !isWhole) throw unknown(address);
  if (scheme === "file") return localKeyFile({ path: rest, environment });

  const [key = "", query = ""] = rest.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (!allowed.includes(name)) {
      throw new ConfigurationError(`a ${scheme}:// address has no parameter ${JSON.stringify(name)}`, {
        remedy: `It may have ${allowed.join(" and ")}`,
      });
    }
  }
  const alsoUnwraps = parameters.getAll("also");
  const endpoint = parameters.get("endpoint") ?? undefined;
  if (scheme === "aws-kms") return awsKms({ keyArn: key, alsoUnwraps, endpoint });
  if (scheme === "gcp-kms") return gcpKms({ keyName: key, alsoUnwraps, endpoint });
  return azureKeyVault({ keyUrl: `https://${key}`, alsoUnwraps: alsoUnwraps.map((name) => (name.startsWith("https://") ? name : `https://${name}`)) });
}

function unknown(address: string): ConfigurationError {
  return new ConfigurationError(`${JSON.stringify(address)} is no address of a key`, {
    remedy:
      "Write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K, azure-kv://VAULT.vault.azure.net/keys/NAME or file:.safetypin/keys.json",
  });
}
