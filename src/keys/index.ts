export { awsKms, type AwsKmsOptions } from "./aws-kms.js";
export { azureKeyVault, type AzureCredential, type AzureKeyVaultOptions } from "./azure-key-vault.js";
export { gcpKms, type GcpKmsOptions } from "./gcp-kms.js";
export { createKeyCache, type KeyCache, type KeyCacheOptions } from "./key-cache.js";
export {
  KEY_CACHE_METRICS,
  type KeyCacheMetric,
  type KeyCacheMetrics,
  type UnwrapReport,
} from "./key-cache-metrics.js";
export { rotateKeyFile } from "./key-file.js";
export type {
  GeneratedShare,
  KeyCallOptions,
  KeyContext,
  KeyProvider,
  KeyRelation,
  WrappedShare,
} from "./key-provider.js";
export { parseKeyProvider, type KeyProviderAddressOptions } from "./key-provider-address.js";
export { severalProviders } from "./several-providers.js";
export { localKeyFile, type LocalKeyFileOptions } from "./local-key-file.js";
