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
  state: string;
  wrapped: Buffer;
}

/** 'ListWrappedShares' query type */
export interface ListWrappedSharesQuery {
  params: ListWrappedSharesParams;
  result: ListWrappedSharesResult;
}

const listWrappedSharesIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":152,"b":166}]}],"statement":"select\n  key_id as \"keyId!\",\n  state as \"state!\",\n  provider as \"provider!\",\n  key_name as \"keyName!\",\n  wrapped as \"wrapped!\"\nfrom list_wrapped_shares(:organizationId)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   key_id as "keyId!",
 *   state as "state!",
 *   provider as "provider!",
 *   key_name as "keyName!",
 *   wrapped as "wrapped!"
 * from list_wrapped_shares(:organizationId)
 * ```
 */
export const listWrappedShares = new PreparedQuery<ListWrappedSharesParams,ListWrappedSharesResult>(listWrappedSharesIR);


/** 'ListWrappedSharesOfOrganization' parameters type */
export type ListWrappedSharesOfOrganizationParams = void;

/** 'ListWrappedSharesOfOrganization' return type */
export interface ListWrappedSharesOfOrganizationResult {
  keyId: number | null;
  keyName: string | null;
  organizationId: string | null;
  provider: string | null;
  state: string | null;
  wrapped: Buffer | null;
}

/** 'ListWrappedSharesOfOrganization' query type */
export interface ListWrappedSharesOfOrganizationQuery {
  params: ListWrappedSharesOfOrganizationParams;
  result: ListWrappedSharesOfOrganizationResult;
}

const listWrappedSharesOfOrganizationIR: any = {"usedParamSet":{},"params":[],"statement":"-- Of the organization that is chosen now: within a transaction it can change. One row, and\n-- no key in it, where there is none.\nselect\n  chosen.organization_id as \"organizationId\",\n  shares.key_id as \"keyId\",\n  shares.state,\n  shares.provider,\n  shares.key_name as \"keyName\",\n  shares.wrapped\nfrom (select current_organization_id() as organization_id) as chosen\nleft join list_wrapped_shares(chosen.organization_id) as shares\n  on chosen.organization_id is not null"};

/**
 * Query generated from SQL:
 * ```
 * -- Of the organization that is chosen now: within a transaction it can change. One row, and
 * -- no key in it, where there is none.
 * select
 *   chosen.organization_id as "organizationId",
 *   shares.key_id as "keyId",
 *   shares.state,
 *   shares.provider,
 *   shares.key_name as "keyName",
 *   shares.wrapped
 * from (select current_organization_id() as organization_id) as chosen
 * left join list_wrapped_shares(chosen.organization_id) as shares
 *   on chosen.organization_id is not null
 * ```
 */
export const listWrappedSharesOfOrganization = new PreparedQuery<ListWrappedSharesOfOrganizationParams,ListWrappedSharesOfOrganizationResult>(listWrappedSharesOfOrganizationIR);


/** 'ListWrappedSharesOfField' parameters type */
export interface ListWrappedSharesOfFieldParams {
  columnName: string;
  scope: string;
  tableName: string;
}

/** 'ListWrappedSharesOfField' return type */
export interface ListWrappedSharesOfFieldResult {
  /** 1: AES-256-CBC with HMAC-SHA-512 (RFC 7518, A256CBC-HS512), in SQL. 2: AES-256-GCM, in the client alone. [public] */
  algorithm: number;
  /** The number that is authenticated with every value of the column: the same in every cell, and never used again. [public] */
  fieldId: number;
  keyId: number | null;
  keyName: string | null;
  organizationId: string | null;
  provider: string | null;
  /** cell: under the cell's own key. organization: under the key of the row's organization. [public] */
  scope: string;
  /** The field whose number is authenticated with the values: another than its own where values wait for a row of the same id elsewhere, and go there as they are. [public] */
  sealedAs: number;
  state: string | null;
  wrapped: Buffer | null;
}

/** 'ListWrappedSharesOfField' query type */
export interface ListWrappedSharesOfFieldQuery {
  params: ListWrappedSharesOfFieldParams;
  result: ListWrappedSharesOfFieldResult;
}

const listWrappedSharesOfFieldIR: any = {"usedParamSet":{"scope":true,"tableName":true,"columnName":true},"params":[{"name":"scope","required":true,"transform":{"type":"scalar"},"locs":[{"a":462,"b":468},{"a":746,"b":751}]},{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":625,"b":635}]},{"name":"columnName","required":true,"transform":{"type":"scalar"},"locs":[{"a":664,"b":675}]}],"statement":"-- How a field is declared, and the keys of its scope, as they are now. One row at the least,\n-- and nothing in it of what there is not.\nselect\n  declared.field_id as \"fieldId\",\n  declared.sealed_as as \"sealedAs!\",\n  declared.scope as \"scope!\",\n  declared.algorithm as \"algorithm!\",\n  chosen.organization_id as \"organizationId\",\n  shares.key_id as \"keyId\",\n  shares.state,\n  shares.provider,\n  shares.key_name as \"keyName\",\n  shares.wrapped\nfrom (\n  select case :scope!::text when 'organization' then current_organization_id() end as organization_id\n) as chosen\nleft join sealed_fields as declared\n  on declared.table_name = :tableName! and declared.column_name = :columnName!\nleft join list_wrapped_shares(chosen.organization_id) as shares\n  on :scope = 'cell' or chosen.organization_id is not null"};

/**
 * Query generated from SQL:
 * ```
 * -- How a field is declared, and the keys of its scope, as they are now. One row at the least,
 * -- and nothing in it of what there is not.
 * select
 *   declared.field_id as "fieldId",
 *   declared.sealed_as as "sealedAs!",
 *   declared.scope as "scope!",
 *   declared.algorithm as "algorithm!",
 *   chosen.organization_id as "organizationId",
 *   shares.key_id as "keyId",
 *   shares.state,
 *   shares.provider,
 *   shares.key_name as "keyName",
 *   shares.wrapped
 * from (
 *   select case :scope!::text when 'organization' then current_organization_id() end as organization_id
 * ) as chosen
 * left join sealed_fields as declared
 *   on declared.table_name = :tableName! and declared.column_name = :columnName!
 * left join list_wrapped_shares(chosen.organization_id) as shares
 *   on :scope = 'cell' or chosen.organization_id is not null
 * ```
 */
export const listWrappedSharesOfField = new PreparedQuery<ListWrappedSharesOfFieldParams,ListWrappedSharesOfFieldResult>(listWrappedSharesOfFieldIR);


/** 'AddFirstKey' parameters type */
export interface AddFirstKeyParams {
  keyName: string;
  maskedShare: Buffer;
  organizationId: string;
  provider: string;
  wrapped: Buffer;
}

/** 'AddFirstKey' return type */
export interface AddFirstKeyResult {
  add_first_key: undefined | null;
}

/** 'AddFirstKey' query type */
export interface AddFirstKeyQuery {
  params: AddFirstKeyParams;
  result: AddFirstKeyResult;
}

const addFirstKeyIR: any = {"usedParamSet":{"organizationId":true,"provider":true,"keyName":true,"wrapped":true,"maskedShare":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":21,"b":36}]},{"name":"provider","required":true,"transform":{"type":"scalar"},"locs":[{"a":39,"b":48}]},{"name":"keyName","required":true,"transform":{"type":"scalar"},"locs":[{"a":51,"b":59}]},{"name":"wrapped","required":true,"transform":{"type":"scalar"},"locs":[{"a":62,"b":70}]},{"name":"maskedShare","required":true,"transform":{"type":"scalar"},"locs":[{"a":73,"b":85}]}],"statement":"select add_first_key(:organizationId!, :provider!, :keyName!, :wrapped!, :maskedShare!)"};

/**
 * Query generated from SQL:
 * ```
 * select add_first_key(:organizationId!, :provider!, :keyName!, :wrapped!, :maskedShare!)
 * ```
 */
export const addFirstKey = new PreparedQuery<AddFirstKeyParams,AddFirstKeyResult>(addFirstKeyIR);


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


