export { adopt, type AdoptOptions, type AdoptResult } from "./adopt.js";
export { bootstrap, bootstrapScript, type BootstrapOptions } from "./bootstrap.js";
export {
  compareCatalogs,
  filterCatalog,
  readCatalog,
  type Catalog,
  type CatalogDifference,
} from "./catalog.js";
export {
  DEFAULT_CELL,
  findExtensionsSchema,
  listCells,
  parseCellName,
  type CellName,
} from "./cell.js";
export { readChapters, readDownFiles, type Chapter, type DownFile } from "./chapters.js";
export { down, planDown, type DoomedTable, type DownOptions, type DownPlan } from "./down.js";
export {
  ENVIRONMENTS,
  parseEnvironment,
  readEnvironment,
  type Environment,
} from "./environment.js";
export { withMigrationLock, type LockOptions } from "./lock.js";
export { assertDirectServer, inCell, type CellSession, type SessionOptions } from "./session.js";
export {
  plan,
  type ChapterPlan,
  type Plan,
  type PlanOptions,
  type StatementLock,
  type StatementPlan,
} from "./plan.js";
export { status, type CellStatus, type ChapterStatus, type StatusOptions } from "./status.js";
export { up, type UpOptions, type UpResult } from "./up.js";
export { maintain, MAINTENANCE_TASKS, type MaintenanceResult, type MaintenanceTask } from "../maintenance.js";
export { reset, type ResetOptions, type ResetResult } from "../reset.js";
export {
  declareEnvironment,
  listScenarios,
  seed,
  type SeedOptions,
  type SeedResult,
} from "../seeds.js";
