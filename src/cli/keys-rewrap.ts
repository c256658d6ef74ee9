import { Command, Option } from "commander";
import type pg from "pg";

import { ConfigurationError } from "../errors.js";
import { ownerOf } from "../keys/administered-keys.js";
import { rewrapKeys, type RewrappedKey } from "../keys/rewrap-keys.js";
import type { CellName } from "../migrations/cell.js";
import { EXIT } from "./exit-codes.js";
import {
  keysOption,
  parseKeyAddress,
  takeTurnAtKeys,
  waitOption,
  withKeysConnection,
  withProvider,
  type KeysOptions,
  type TurnOptions,
} from "./keys-connection.js";
import { cellOption, jsonOption } from "./options.js";
import type { Output } from "./output.js";
import { action } from "./run.js";

interface Options extends KeysOptions, TurnOptions {
  readonly to?: string;
  readonly copy?: string;
  readonly dryRun?: true;
}

/** `safetypin keys rewrap`. */
export function keysRewrapCommand(): Command {
  return new Command("rewrap")
    .summary("another master key, and no value touched")
    .description(
      "Has the share of every key wrapped by another master key, of the same service or of\n" +
        "another. The address names the new one, and the old ones behind ?also=, or behind a\n" +
        "space where they are another service's. What is wrapped so already stays as\n" +
        "it is: whoever is interrupted runs it again. A share that does not open is left, and named,\n" +
        "and the others are wrapped. Applications are given the new address before, with the\n" +
        "old one in it, and without it after.",
    )
    .addOption(cellOption())
    .addOption(waitOption())
    .addOption(keysOption())
    .addOption(new Option("--to <address>", "the new master key, and the old ones behind it (default: --keys)").argParser(parseKeyAddress))
    .option("--copy <database>", "a restored backup of the cell, on the same server: its shares stand in for those that open no more")
    .option("--dry-run", "ask the service, and change nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ export DATABASE_URL=postgres://safetypin_operator_login@db.internal/clinic
  $ safetypin keys rewrap --to 'aws-kms://arn:aws:kms:…:key/NEW?also=arn:aws:kms:…:key/OLD'
  $ safetypin keys rewrap --to 'gcp-kms://projects/P/…/cryptoKeys/K aws-kms://arn:…:key/OLD'
  $ safetypin keys rewrap --copy clinic_of_sunday
`,
    )
    .action(action<Options>(run));
}

async function run({ cell, wait, keys, to, copy, dryRun }: Options, output: Output) {
  return withKeysConnection(cell, async ({ client, cellId, environment }) => {
    await takeTurnAtKeys(client, { cell, wait }, output);
    const rewrapped = await withProvider(to ?? keys, environment, (provider) =>
      withCopy(copy, { cell, cellId }, (copied) => rewrapKeys(client, {
        cellId,
        provider,
        copy: copied,
        dryRun,
        onKey: ({ organizationId, keyId, from, to: name, isRewrapped, isFromCopy, failure }) => {
          const what = `key ${String(keyId)} of ${ownerOf(organizationId)}`;
          if (failure !== undefined) output.line(`${output.say("bad", "left")}  ${what}: ${failure.message}`);
          else if (!isRewrapped) output.line(`${output.say("quiet", "is")}  ${what}: ${name}`);
          else if (dryRun === true) output.line(`${output.say("careful", "would rewrap")}  ${what}: ${from} → ${name}`);
          else output.line(`${output.say("good", "rewrapped")}  ${what}: ${from} → ${name}${isFromCopy ? ", from the copy" : ""}`);
        },
      })),
    );
    output.result({
      cell,
      keys: rewrapped.map(({ isRewrapped, isFromCopy, failure, ...key }) => ({
        ...key,
        rewrapped: isRewrapped && dryRun !== true,
        fromCopy: isFromCopy,
        failure: failure?.message ?? null,
      })),
    });
    return tellLeft(rewrapped, output);
  });
}

/** Says how many were left, and what to do about each reason. */
function tellLeft(keys: readonly RewrappedKey[], output: Output): typeof EXIT.done | typeof EXIT.left {
  const failures = keys.flatMap(({ failure }) => failure ?? []);
  if (failures.length === 0) return EXIT.done;
  output.note(`${String(failures.length)} of ${String(keys.length)} keys were left as they are; every other one is done`);
  const remedies = failures.map((failure) => ("remedy" in failure ? failure.remedy : undefined));
  for (const remedy of new Set(remedies)) if (typeof remedy === "string") output.note(`→ ${remedy}`);
  return EXIT.left;
}

/** Does the work with a connection to the copy, which has to be of this very cell. */
async function withCopy<Result>(
  database: string | undefined,
  { cell, cellId }: { readonly cell: CellName; readonly cellId: string },
  work: (copy: pg.Client | undefined) => Promise<Result>,
): Promise<Result> {
  if (database === undefined) return work(undefined);
  return withKeysConnection(
    cell,
    async ({ client, cellId: id }) => {
      if (id !== cellId) {
        throw new ConfigurationError(`Cell "${cell}" of database "${database}" is another than this one: ${id}, not ${cellId}`, {
          remedy: "Restore a backup of this cell",
        });
      }
      return work(client);
    },
    database,
  );
}
