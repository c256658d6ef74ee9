import { Command } from "commander";

import { keysDestroyCommand } from "./keys-destroy.js";
import { keysHoldCommand } from "./keys-hold.js";
import { keysInitCommand } from "./keys-init.js";
import { keysLedgerCommand } from "./keys-ledger.js";
import { keysReplayCommand } from "./keys-replay.js";
import { keysRestoredCommand } from "./keys-restored.js";
import { keysRetireCommand } from "./keys-retire.js";
import { keysRewrapCommand } from "./keys-rewrap.js";
import { keysRotateCommand } from "./keys-rotate.js";
import { keysShredCommand } from "./keys-shred.js";
import { keysStatusCommand } from "./keys-status.js";

/** `safetypin keys …`. */
export function keysCommand(): Command {
  return new Command("keys")
    .summary("the keys that fields are sealed under")
    .description("Keys of a cell and of its organizations. Connect as the cell's operator login.")
    .addCommand(keysInitCommand())
    .addCommand(keysStatusCommand())
    .addCommand(keysRotateCommand())
    .addCommand(keysRewrapCommand())
    .addCommand(keysRetireCommand())
    .addCommand(keysDestroyCommand())
    .addCommand(keysShredCommand())
    .addCommand(keysHoldCommand())
    .addCommand(keysLedgerCommand())
    .addCommand(keysRestoredCommand())
    .addCommand(keysReplayCommand());
}
