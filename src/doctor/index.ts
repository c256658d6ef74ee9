export { CHECKS, countFindings, examine, type Diagnosis, type DoctorOptions, type SkippedCheck } from "./doctor.js";
export { SEVERITIES, type Finding, type Severity } from "./finding.js";
export { checkIsolation, type IsolationOptions } from "./isolation.js";
export { findServerFlaws, SERVER_FLAWS, type ServerFlaw } from "./server-versions.js";
