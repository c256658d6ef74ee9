/** Types generated for queries found in "queries/messages.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'TakeMessages' parameters type */
export interface TakeMessagesParams {
  leaseS: number;
  limit: number;
}

/** 'TakeMessages' return type */
export interface TakeMessagesResult {
  attempt: number;
  email: string;
  expirationTime: Date | null;
  firstName: string;
  id: string;
  lastName: string;
  locale: string;
  purpose: string;
  timezone: string;
  token: Buffer | null;
}

/** 'TakeMessages' query type */
export interface TakeMessagesQuery {
  params: TakeMessagesParams;
  result: TakeMessagesResult;
}

const takeMessagesIR: any = {"usedParamSet":{"limit":true,"leaseS":true},"params":[{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":267,"b":273}]},{"name":"leaseS","required":true,"transform":{"type":"scalar"},"locs":[{"a":298,"b":305}]}],"statement":"select\n  id as \"id!\",\n  attempt as \"attempt!\",\n  purpose as \"purpose!\",\n  email as \"email!\",\n  first_name as \"firstName!\",\n  last_name as \"lastName!\",\n  locale as \"locale!\",\n  timezone as \"timezone!\",\n  token,\n  expiration_time as \"expirationTime\"\nfrom take_messages(:limit!, make_interval(secs => :leaseS!))"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id as "id!",
 *   attempt as "attempt!",
 *   purpose as "purpose!",
 *   email as "email!",
 *   first_name as "firstName!",
 *   last_name as "lastName!",
 *   locale as "locale!",
 *   timezone as "timezone!",
 *   token,
 *   expiration_time as "expirationTime"
 * from take_messages(:limit!, make_interval(secs => :leaseS!))
 * ```
 */
export const takeMessages = new PreparedQuery<TakeMessagesParams,TakeMessagesResult>(takeMessagesIR);


/** 'FinishMessage' parameters type */
export interface FinishMessageParams {
  attempt: number;
  isDelivered: boolean;
  messageId: string;
  problem?: string | null | void;
}

/** 'FinishMessage' return type */
export interface FinishMessageResult {
  status: string;
}

/** 'FinishMessage' query type */
export interface FinishMessageQuery {
  params: FinishMessageParams;
  result: FinishMessageResult;
}

const finishMessageIR: any = {"usedParamSet":{"messageId":true,"attempt":true,"isDelivered":true,"problem":true},"params":[{"name":"messageId","required":true,"transform":{"type":"scalar"},"locs":[{"a":22,"b":32}]},{"name":"attempt","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":43}]},{"name":"isDelivered","required":true,"transform":{"type":"scalar"},"locs":[{"a":46,"b":58}]},{"name":"problem","required":false,"transform":{"type":"scalar"},"locs":[{"a":61,"b":68}]}],"statement":"select finish_message(:messageId!, :attempt!, :isDelivered!, :problem) as \"status!\""};

/**
 * Query generated from SQL:
 * ```
 * select finish_message(:messageId!, :attempt!, :isDelivered!, :problem) as "status!"
 * ```
 */
export const finishMessage = new PreparedQuery<FinishMessageParams,FinishMessageResult>(finishMessageIR);


