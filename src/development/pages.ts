import { join } from "node:path";

import type { ClientBase } from "pg";

import { SQL_DIRECTORY } from "../migrations/chapters.js";
import { renderDataInventory } from "./data-inventory.js";
import { renderPermissions } from "./permissions-page.js";
import { renderPrivileges } from "./privileges.js";

/** Where the pages are. */
export const DOCUMENTS = join(SQL_DIRECTORY, "..", "docs");

/** Each page, and what writes it from a migrated and seeded cell, to which the path leads. */
export const PAGES: Readonly<Record<string, (client: ClientBase) => Promise<string>>> = {
  "privileges.md": renderPrivileges,
  "permissions.md": renderPermissions,
  "data-inventory.md": renderDataInventory,
};
