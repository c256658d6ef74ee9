/** Types generated for queries found in "queries/password_attempts.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'BeginPasswordCheck' parameters type */
export interface BeginPasswordCheckParams {
  email: string;
  ipAddress?: string | null | void;
  userAgent?: string | null | void;
}

/** 'BeginPasswordCheck' return type */
export interface BeginPasswordCheckResult {
  attemptId: string | null;
  nonce: Buffer | null;
  retryAfterMs: number | null;
  salt: string | null;
  status: string;
  targetCost: number | null;
}

/** 'BeginPasswordCheck' query type */
export interface BeginPasswordCheckQuery {
  params: BeginPasswordCheckParams;
  result: BeginPasswordCheckResult;
}

const beginPasswordCheckIR: any = {"usedParamSet":{"email":true,"ipAddress":true,"userAgent":true},"params":[{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":207,"b":213}]},{"name":"ipAddress","required":false,"transform":{"type":"scalar"},"locs":[{"a":216,"b":225}]},{"name":"userAgent","required":false,"transform":{"type":"scalar"},"locs":[{"a":234,"b":243}]}],"statement":"select\n  status as \"status!\",\n  attempt_id as \"attemptId\",\n  nonce,\n  salt,\n  target_cost as \"targetCost\",\n  ceil(extract(epoch from retry_after) * 1000)::integer as \"retryAfterMs\"\nfrom begin_password_check(:email!, :ipAddress::inet, :userAgent)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   status as "status!",
 *   attempt_id as "attemptId",
 *   nonce,
 *   salt,
 *   target_cost as "targetCost",
 *   ceil(extract(epoch from retry_after) * 1000)::integer as "retryAfterMs"
 * from begin_password_check(:email!, :ipAddress::inet, :userAgent)
 * ```
 */
export const beginPasswordCheck = new PreparedQuery<BeginPasswordCheckParams,BeginPasswordCheckResult>(beginPasswordCheckIR);


/** 'SubmitPasswordProof' parameters type */
export interface SubmitPasswordProofParams {
  attemptId: string;
  proof: Buffer;
}

/** 'SubmitPasswordProof' return type */
export interface SubmitPasswordProofResult {
  submit_password_proof: undefined | null;
}

/** 'SubmitPasswordProof' query type */
export interface SubmitPasswordProofQuery {
  params: SubmitPasswordProofParams;
  result: SubmitPasswordProofResult;
}

const submitPasswordProofIR: any = {"usedParamSet":{"attemptId":true,"proof":true},"params":[{"name":"attemptId","required":true,"transform":{"type":"scalar"},"locs":[{"a":29,"b":39}]},{"name":"proof","required":true,"transform":{"type":"scalar"},"locs":[{"a":42,"b":48}]}],"statement":"select submit_password_proof(:attemptId!, :proof!)"};

/**
 * Query generated from SQL:
 * ```
 * select submit_password_proof(:attemptId!, :proof!)
 * ```
 */
export const submitPasswordProof = new PreparedQuery<SubmitPasswordProofParams,SubmitPasswordProofResult>(submitPasswordProofIR);


/** 'FinishPasswordCheck' parameters type */
export interface FinishPasswordCheckParams {
  attemptId: string;
  changeTokenHash: Buffer;
  deviceId?: string | null | void;
  organizationId?: string | null | void;
  refreshTokenHash: Buffer;
  sessionTokenHash: Buffer;
}

/** 'FinishPasswordCheck' return type */
export interface FinishPasswordCheckResult {
  expirationTime: Date | null;
  organizationId: string | null;
  sessionId: string | null;
  status: string;
  userId: string | null;
}

/** 'FinishPasswordCheck' query type */
export interface FinishPasswordCheckQuery {
  params: FinishPasswordCheckParams;
  result: FinishPasswordCheckResult;
}

const finishPasswordCheckIR: any = {"usedParamSet":{"attemptId":true,"sessionTokenHash":true,"refreshTokenHash":true,"changeTokenHash":true,"organizationId":true,"deviceId":true},"params":[{"name":"attemptId","required":true,"transform":{"type":"scalar"},"locs":[{"a":189,"b":199}]},{"name":"sessionTokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":204,"b":221}]},{"name":"refreshTokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":226,"b":243}]},{"name":"changeTokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":248,"b":264}]},{"name":"organizationId","required":false,"transform":{"type":"scalar"},"locs":[{"a":269,"b":283}]},{"name":"deviceId","required":false,"transform":{"type":"scalar"},"locs":[{"a":294,"b":302}]}],"statement":"select\n  status as \"status!\",\n  session_id as \"sessionId\",\n  user_id as \"userId\",\n  organization_id as \"organizationId\",\n  expiration_time as \"expirationTime\"\nfrom finish_password_check(\n  :attemptId!,\n  :sessionTokenHash!,\n  :refreshTokenHash!,\n  :changeTokenHash!,\n  :organizationId::uuid,\n  :deviceId::uuid\n)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   status as "status!",
 *   session_id as "sessionId",
 *   user_id as "userId",
 *   organization_id as "organizationId",
 *   expiration_time as "expirationTime"
 * from finish_password_check(
 *   :attemptId!,
 *   :sessionTokenHash!,
 *   :refreshTokenHash!,
 *   :changeTokenHash!,
 *   :organizationId::uuid,
 *   :deviceId::uuid
 * )
 * ```
 */
export const finishPasswordCheck = new PreparedQuery<FinishPasswordCheckParams,FinishPasswordCheckResult>(finishPasswordCheckIR);


