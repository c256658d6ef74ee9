/** Types generated for queries found in "queries/one_time_tokens.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'VerifyEmail' parameters type */
export interface VerifyEmailParams {
  token: Buffer;
}

/** 'VerifyEmail' return type */
export interface VerifyEmailResult {
  outcome: string;
}

/** 'VerifyEmail' query type */
export interface VerifyEmailQuery {
  params: VerifyEmailParams;
  result: VerifyEmailResult;
}

const verifyEmailIR: any = {"usedParamSet":{"token":true},"params":[{"name":"token","required":true,"transform":{"type":"scalar"},"locs":[{"a":20,"b":26}]}],"statement":"select verify_email(:token!) as \"outcome!\""};

/**
 * Query generated from SQL:
 * ```
 * select verify_email(:token!) as "outcome!"
 * ```
 */
export const verifyEmail = new PreparedQuery<VerifyEmailParams,VerifyEmailResult>(verifyEmailIR);


/** 'RequestEmailVerification' parameters type */
export interface RequestEmailVerificationParams {
  email: string;
}

/** 'RequestEmailVerification' return type */
export interface RequestEmailVerificationResult {
  request_email_verification: undefined | null;
}

/** 'RequestEmailVerification' query type */
export interface RequestEmailVerificationQuery {
  params: RequestEmailVerificationParams;
  result: RequestEmailVerificationResult;
}

const requestEmailVerificationIR: any = {"usedParamSet":{"email":true},"params":[{"name":"email","required":true,"transform":{"type":"scalar"},"locs":[{"a":34,"b":40}]}],"statement":"select request_email_verification(:email!)"};

/**
 * Query generated from SQL:
 * ```
 * select request_email_verification(:email!)
 * ```
 */
export const requestEmailVerification = new PreparedQuery<RequestEmailVerificationParams,RequestEmailVerificationResult>(requestEmailVerificationIR);


