/** Types generated for queries found in "queries/tenant_keys.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'Hello' parameters type */
export interface HelloParams {
  forTransaction: boolean;
}

/** 'Hello' return type */
export interface HelloResult {
  pad: Buffer;
}

/** 'Hello' query type */
export interface HelloQuery {
  params: HelloParams;
  result: HelloResult;
}

const helloIR: any = {"usedParamSet":{"forTransaction":true},"params":[{"name":"forTransaction","required":true,"transform":{"type":"scalar"},"locs":[{"a":13,"b":28}]}],"statement":"select hello(:forTransaction!) as \"pad!\""};

/**
 * Query generated from SQL:
 * ```
 * select hello(:forTransaction!) as "pad!"
 * ```
 */
export const hello = new PreparedQuery<HelloParams,HelloResult>(helloIR);


/** 'ListWrappedShares' parameters type */
export interface ListWrappedSharesParams {
  organizationId?: string | null | void;
}

/** 'ListWrappedShares' return type */
export interface ListWrappedSharesResult {
  keyId: number;
  keyName: string;
  provider: string;
  wrapped: Buffer;
}

/** 'ListWrappedShares' query type */
export interface ListWrappedSharesQuery {
  params: ListWrappedSharesParams;
  result: ListWrappedSharesResult;
}

const listWrappedSharesIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":131,"b":145}]}],"statement":"select\n  key_id as \"keyId!\",\n  provider as \"provider!\",\n  key_name as \"keyName!\",\n  wrapped as \"wrapped!\"\nfrom list_wrapped_shares(:organizationId)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   key_id as "keyId!",
 *   provider as "provider!",
 *   key_name as "keyName!",
 *   wrapped as "wrapped!"
 * from list_wrapped_shares(:organizationId)
 * ```
 */
export const listWrappedShares = new PreparedQuery<ListWrappedSharesParams,ListWrappedSharesResult>(listWrappedSharesIR);


/** 'Unlock' parameters type */
export interface UnlockParams {
  keyId: number;
  maskedShare: Buffer;
  organizationId?: string | null | void;
}

/** 'Unlock' return type */
export interface UnlockResult {
  isUnlocked: boolean;
}

/** 'Unlock' query type */
export interface UnlockQuery {
  params: UnlockParams;
  result: UnlockResult;
}

const unlockIR: any = {"usedParamSet":{"organizationId":true,"keyId":true,"maskedShare":true},"params":[{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":14,"b":28}]},{"name":"keyId","required":true,"transform":{"type":"scalar"},"locs":[{"a":31,"b":37}]},{"name":"maskedShare","required":true,"transform":{"type":"scalar"},"locs":[{"a":40,"b":52}]}],"statement":"select unlock(:organizationId, :keyId!, :maskedShare!) as \"isUnlocked!\""};

/**
 * Query generated from SQL:
 * ```
 * select unlock(:organizationId, :keyId!, :maskedShare!) as "isUnlocked!"
 * ```
 */
export const unlock = new PreparedQuery<UnlockParams,UnlockResult>(unlockIR);


