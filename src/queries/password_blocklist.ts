/** Types generated for queries found in "queries/password_blocklist.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'FindBlocklistBucket' parameters type */
export interface FindBlocklistBucketParams {
  prefix: number;
}

/** 'FindBlocklistBucket' return type */
export interface FindBlocklistBucketResult {
  /** The other five bytes of each, in order. [public] */
  digests: Buffer;
}

/** 'FindBlocklistBucket' query type */
export interface FindBlocklistBucketQuery {
  params: FindBlocklistBucketParams;
  result: FindBlocklistBucketResult;
}

const findBlocklistBucketIR: any = {"usedParamSet":{"prefix":true},"params":[{"name":"prefix","required":true,"transform":{"type":"scalar"},"locs":[{"a":54,"b":61}]}],"statement":"select digests\nfrom password_blocklist\nwhere prefix = :prefix!"};

/**
 * Query generated from SQL:
 * ```
 * select digests
 * from password_blocklist
 * where prefix = :prefix!
 * ```
 */
export const findBlocklistBucket = new PreparedQuery<FindBlocklistBucketParams,FindBlocklistBucketResult>(findBlocklistBucketIR);


