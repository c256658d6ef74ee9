import type { ClientBase } from "pg";

import { ConfigurationError } from "../errors.js";
import { opensSharesOf } from "../keys/cell-keys.js";
import type { KeyProvider } from "../keys/key-provider.js";
import { openKeyProvider, type KeySource } from "../keys/open-keys.js";
import { asKeyholder } from "./as-role.js";
import type { Subject } from "./catalog-check.js";
import type { Finding } from "./finding.js";

export const MASTER_KEYS = "master-keys";

/** What was found, or why nothing could be looked at. */
export type MasterKeysAnswer = { readonly findings: readonly Finding[] } | { readonly reason: string };

/** Why nothing is looked at where nobody says what applications have. */
export const KEYS_NOT_GIVEN = "SAFETYPIN_KEYS is not set here: say with --keys what applications have";

/**
 * Whether somebody says what applications have. A file below the working directory is whose
 * that is, and whoever looks need not be there.
 */
export function areKeysGiven(keys: KeySource["keys"], environment: Subject["environment"]): boolean {
  if (keys !== undefined && keys !== "") return true;
  return environment !== "production" && process.env["SAFETYPIN_KEY_FILE"] !== undefined;
}

/** Keys whose shares the same master key wrapped, of one kind. */
interface Wrapped {
  readonly provider: string;
  readonly keyName: string;
  readonly isInUse: boolean;

  /** Of organizations alone: whoever founded one chose the name, and what it says is no advice. */
  readonly isOfTenants: boolean;

  /** `key 1 of the cell`, and how many more. */
  readonly words: string;
}

/**
 * Whether what applications are configured with opens what is in the database: compares
 * names, and asks no service.
 */
export async function checkMasterKeys(
  client: ClientBase,
  { cell, environment }: Subject,
  { keys = process.env["SAFETYPIN_KEYS"] }: Pick<KeySource, "keys">,
): Promise<MasterKeysAnswer> {
  const wrapped = await asKeyholder(client, cell, () => listWrapped(client));
  if (wrapped === undefined) return { reason: "connect as safetypin_migrator" };

  const finding = (severity: Finding["severity"], object: string, problem: string, remedy: string): Finding => ({
    check: MASTER_KEYS, severity, object, problem, remedy,
  });
  if (environment === "production") {
    const inFiles = wrapped.filter(({ provider, isOfTenants }) => provider === "local-key-file" && !isOfTenants);
    if (inFiles.length > 0) {
      return {
        findings: inFiles.map(({ words, keyName }) =>
          finding(
            "critical", words, `was wrapped by ${keyName}, a key in a file, which production does not open`,
            "Make production's cell anew: its keys come from a key management service from the beginning (docs/keys.md)",
          ),
        ),
      };
    }
  }
  if (!areKeysGiven(keys, environment)) return { reason: KEYS_NOT_GIVEN };

  let provider: KeyProvider;
  try {
    provider = openKeyProvider({ keys }, environment);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { findings: [finding("critical", "setting SAFETYPIN_KEYS", `opens no key: ${error.message}`, error.remedy ?? "See docs/keys.md")] };
  }

  const findings: Finding[] = [];
  try {
    for (const { provider: kind, keyName, isInUse, isOfTenants, words } of wrapped) {
      const relation = opensSharesOf(provider, kind) ? await provider.relationTo?.(keyName) : "none";
      const severity = isInUse ? (environment === "production" ? "critical" : "warning") : "warning";
      if (relation === "none") {
        findings.push(
          finding(
            severity, words, `was wrapped by ${keyName} of ${kind}, which is not configured: it opens no more once memory forgets it`,
            isOfTenants
              ? "Whoever founded the organization gave the key this name. Where you know the key to be yours, configure it beside the other (docs/keys.md); where you do not, leave it out: only that organization is without its values"
              : kind === provider.name && provider.isForDevelopment !== true
                ? `Add ?also=${keyName} to SAFETYPIN_KEYS in the applications, then: safetypin keys rewrap --cell ${cell}`
                : kind === "local-key-file"
                  ? "Copy the key file back from where it was, or make the development cell anew"
                  : `Add the address of the key of ${kind} to SAFETYPIN_KEYS in the applications (docs/keys.md)`,
          ),
        );
      } else if (relation === "opens") {
        findings.push(
          finding("warning", words, `is still wrapped by ${keyName}, which only opens: rewrapping is not over`, `safetypin keys rewrap --cell ${cell}`),
        );
      }
    }
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    findings.push(finding("warning", "setting SAFETYPIN_KEYS", `opens no key: ${error.message}`, error.remedy ?? "See docs/keys.md"));
  } finally {
    await provider.close?.();
  }
  return { findings };
}

async function listWrapped(client: ClientBase): Promise<Wrapped[]> {
  const { rows } = await client.query<Wrapped>(
    `select
       provider,
       key_name as "keyName",
       bool_or(state <> 'retired') as "isInUse",
       bool_and(organization_id is not null) as "isOfTenants",
       format(
         'key %s of %s%s',
         (array_agg(key_id order by organization_id nulls first, key_id desc))[1],
         coalesce('organization ' || (array_agg(organization_id order by organization_id nulls first, key_id desc))[1], 'the cell'),
         case when count(*) > 1 then format(' and %s more', count(*) - 1) else '' end
       ) as words
     from tenant_keys
     where state <> 'destroyed'
     group by provider, key_name
     order by provider, key_name`,
  );
  return rows;
}
