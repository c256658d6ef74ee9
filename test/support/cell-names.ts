import { parseCellName, type CellName } from "../../src/migrations/cell.js";
import { aloneWithRoles, asAdmin, dropLogins, uniqueCellName } from "./database.js";

/**
 * Names for cells that a test bootstraps itself. Their logins belong to the whole
 * server: they are dropped after the database is. So call this after `useDatabase`.
 */
export function useCellNames(): () => CellName {
  const names: CellName[] = [];
  afterAll(() => aloneWithRoles(() => asAdmin((admin) => dropLogins(admin, names))));

  return () => {
    const name = parseCellName(uniqueCellName());
    names.push(name);
    return name;
  };
}
