/** Types generated for queries found in "queries/password_credentials.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'RequirePasswordChange' parameters type */
export interface RequirePasswordChangeParams {
  userId: string;
}

/** 'RequirePasswordChange' return type */
export interface RequirePasswordChangeResult {
  require_password_change: undefined | null;
}

/** 'RequirePasswordChange' query type */
export interface RequirePasswordChangeQuery {
  params: RequirePasswordChangeParams;
  result: RequirePasswordChangeResult;
}

const requirePasswordChangeIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":31,"b":38}]}],"statement":"select require_password_change(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select require_password_change(:userId!)
 * ```
 */
export const requirePasswordChange = new PreparedQuery<RequirePasswordChangeParams,RequirePasswordChangeResult>(requirePasswordChangeIR);


