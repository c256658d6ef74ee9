export { AuthenticationBusyError, type BcryptQueue } from "./bcrypt-queue.js";
export type { BreachedPasswordCheck } from "./breached-passwords.js";
export type { Work, WorkOptions } from "./cell.js";
export type { ResolveCell } from "./cells.js";
export type { CellOptions, ConnectOptions, MaintenanceOptions } from "./connect-options.js";
export type { AwsKeys, AwsOptions } from "./credentials/aws-options.js";
export { callbackCredentials, type CallbackCredentials } from "./credentials/callback-credentials.js";
export type { CredentialRequest, CredentialSource, LoginCredentials } from "./credentials/credential-source.js";
export { environmentCredentials, type EnvironmentCredentials } from "./credentials/environment-credentials.js";
export { fileCredentials, type FileCredentials } from "./credentials/file-credentials.js";
export { LoginPassword } from "./credentials/login-password.js";
export { rdsIamCredentials, type RdsIamCredentials } from "./credentials/rds-iam-credentials.js";
export {
  secretsManagerCredentials,
  type SecretsManagerCredentials,
} from "./credentials/secrets-manager-credentials.js";
export { parseEmail, type EmailAddress } from "./email.js";
export {
  AuthenticationError,
  ConfigurationError,
  KeyProviderError,
  MigrationError,
  NotFoundError,
  RuleError,
  SafetyPinError,
  type AuthenticationErrorCode,
  type KeyProviderErrorCode,
  type MigrationErrorCode,
} from "./errors.js";
export {
  newId,
  parseAlertId,
  parseCellId,
  parseDeviceId,
  parseDomainId,
  parseEventId,
  parseOrganizationId,
  parsePermissionId,
  parseRoleId,
  parseSessionId,
  parseUserId,
  type AlertId,
  type CellId,
  type DeviceId,
  type DomainId,
  type EventId,
  type Id,
  type MessageId,
  type OrganizationId,
  type PermissionId,
  type RoleId,
  type SessionId,
  type UserId,
} from "./ids.js";
export type { GeneratedShare, KeyCallOptions, KeyContext, KeyProvider, WrappedShare } from "./keys/key-provider.js";
export { LIMITS, type Environment, type Limits } from "./limits.js";
export { deliverMessages, Mailer, type Delivery, type MailerOptions } from "./mailer.js";
export type { AlreadyRegisteredMessage, Message, TokenMessage } from "./messages.js";
export type { Origin } from "./origin.js";
export type { PasswordChange } from "./password-change.js";
export { PasswordRefusedError, type BrokenPasswordRule, type PasswordRuleCode } from "./password-rules.js";
export { Password } from "./passwords.js";
export type { PoolSource } from "./pool.js";
export type { Log, LogEntry, QueryReport } from "./query-report.js";
export type { Refreshed } from "./refresh.js";
export type { Registration } from "./register.js";
export { createRepositories, type Repositories, type RepositoryImplementation } from "./repositories.js";
export { SafetyPin } from "./safetypin.js";
export {
  declareSealedFields,
  SEALED_FIELDS,
  type KeyScope,
  type SealedField,
  type SealedFieldDeclaration,
  type SealedFieldDeclarations,
  type SealedFields,
  type SealingAlgorithm,
} from "./sealed-fields.js";
export type { Credentials, SignedIn } from "./sign-in.js";
export type { CertificateFiles, Certificates } from "./certificate-files.js";
export type { Tls, TlsOptions } from "./tls.js";
export { OneTimeToken, RefreshToken, SessionToken, Token } from "./tokens.js";
export type { Caller, SealedValue, StatementResult, Transaction } from "./transaction.js";
export type {
  AccessAttempt,
  AlertSeverity,
  AttemptFilter,
  AttemptResult,
  AuditEvent,
  AuditRepository,
  ChangeFilter,
  DataChange,
  EventFilter,
  EventResult,
  EvidenceSummary,
  Period,
  PeriodOptions,
  SecurityAlert,
} from "./audit.js";
export type { ExportFormat, ExportOptions, ExportStream } from "./audit-export.js";
export type {
  MemberRole,
  Membership,
  MemberStatus,
  Organization,
  OrganizationChanges,
  OrganizationDomain,
  OrganizationPasswordPolicy,
  OrganizationRepository,
  OrganizationSettings,
  OrganizationStatus,
  OwnOrganization,
  PasswordPolicy,
} from "./organizations.js";
export { MAXIMUM_PAGE_SIZE, type Cursor, type Page, type PageOptions } from "./pages.js";
export type {
  Permission,
  PermissionHolder,
  PermissionRepository,
  Role,
  RoleAssignment,
  RoleGrant,
  RoleWithPermissions,
} from "./permissions.js";
export type { Session, SessionFilter, SessionRepository } from "./sessions.js";
export type { ProfileChanges, User, UserMatch, UserRepository, UserStatus } from "./users.js";
export { postgresAudit, type PostgresAuditOptions } from "./audit.js";
export { postgresOrganizations } from "./organizations.js";
export { postgresPermissions } from "./permissions.js";
export { postgresSessions } from "./sessions.js";
export { postgresUsers } from "./users.js";
