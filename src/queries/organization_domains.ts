/** Types generated for queries found in "queries/organization_domains.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type NumberOrString = number | string;

/** 'ListDomains' parameters type */
export interface ListDomainsParams {
  afterDomain: string;
  limit: NumberOrString;
}

/** 'ListDomains' return type */
export interface ListDomainsResult {
  /** Who claimed it; null once that person is erased. [internal] */
  claimedBy: string | null;
  /** When it was claimed. [internal] */
  creationTime: Date;
  /** The domain, in lower case and ASCII. [internal] */
  domain: string;
  /** The id of the claim. [internal] */
  id: string;
  /** When it was proven; null until then. A proven domain belongs to one organization. [internal] */
  verifiedTime: Date | null;
}

/** 'ListDomains' query type */
export interface ListDomainsQuery {
  params: ListDomainsParams;
  result: ListDomainsResult;
}

const listDomainsIR: any = {"usedParamSet":{"afterDomain":true,"limit":true},"params":[{"name":"afterDomain","required":true,"transform":{"type":"scalar"},"locs":[{"a":199,"b":211}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":235,"b":241}]}],"statement":"-- An organization claims a handful.\nselect\n  id,\n  domain,\n  verified_time as \"verifiedTime\",\n  claimed_by as \"claimedBy\",\n  creation_time as \"creationTime\"\nfrom organization_domains\nwhere domain > :afterDomain!\norder by domain\nlimit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * -- An organization claims a handful.
 * select
 *   id,
 *   domain,
 *   verified_time as "verifiedTime",
 *   claimed_by as "claimedBy",
 *   creation_time as "creationTime"
 * from organization_domains
 * where domain > :afterDomain!
 * order by domain
 * limit :limit!
 * ```
 */
export const listDomains = new PreparedQuery<ListDomainsParams,ListDomainsResult>(listDomainsIR);


/** 'FindDomain' parameters type */
export interface FindDomainParams {
  domain: string;
}

/** 'FindDomain' return type */
export interface FindDomainResult {
  /** Who claimed it; null once that person is erased. [internal] */
  claimedBy: string | null;
  /** When it was claimed. [internal] */
  creationTime: Date;
  /** The domain, in lower case and ASCII. [internal] */
  domain: string;
  /** The id of the claim. [internal] */
  id: string;
  /** When it was proven; null until then. A proven domain belongs to one organization. [internal] */
  verifiedTime: Date | null;
}

/** 'FindDomain' query type */
export interface FindDomainQuery {
  params: FindDomainParams;
  result: FindDomainResult;
}

const findDomainIR: any = {"usedParamSet":{"domain":true},"params":[{"name":"domain","required":true,"transform":{"type":"scalar"},"locs":[{"a":168,"b":175}]}],"statement":"select\n  id,\n  domain,\n  verified_time as \"verifiedTime\",\n  claimed_by as \"claimedBy\",\n  creation_time as \"creationTime\"\nfrom organization_domains\nwhere domain = lower(:domain!)"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   domain,
 *   verified_time as "verifiedTime",
 *   claimed_by as "claimedBy",
 *   creation_time as "creationTime"
 * from organization_domains
 * where domain = lower(:domain!)
 * ```
 */
export const findDomain = new PreparedQuery<FindDomainParams,FindDomainResult>(findDomainIR);


/** 'ClaimDomain' parameters type */
export interface ClaimDomainParams {
  domain: string;
  tokenHash: Buffer;
}

/** 'ClaimDomain' return type */
export interface ClaimDomainResult {
  cell: string;
  domainId: string;
}

/** 'ClaimDomain' query type */
export interface ClaimDomainQuery {
  params: ClaimDomainParams;
  result: ClaimDomainResult;
}

const claimDomainIR: any = {"usedParamSet":{"domain":true,"tokenHash":true},"params":[{"name":"domain","required":true,"transform":{"type":"scalar"},"locs":[{"a":34,"b":41}]},{"name":"tokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":70}]}],"statement":"select\n  claim_domain(p_domain => :domain!, p_token_hash => :tokenHash!) as \"domainId!\",\n  current_schema()::text as \"cell!\""};

/**
 * Query generated from SQL:
 * ```
 * select
 *   claim_domain(p_domain => :domain!, p_token_hash => :tokenHash!) as "domainId!",
 *   current_schema()::text as "cell!"
 * ```
 */
export const claimDomain = new PreparedQuery<ClaimDomainParams,ClaimDomainResult>(claimDomainIR);


/** 'VerifyDomain' parameters type */
export interface VerifyDomainParams {
  token: Buffer;
}

/** 'VerifyDomain' return type */
export interface VerifyDomainResult {
  isVerified: boolean;
}

/** 'VerifyDomain' query type */
export interface VerifyDomainQuery {
  params: VerifyDomainParams;
  result: VerifyDomainResult;
}

const verifyDomainIR: any = {"usedParamSet":{"token":true},"params":[{"name":"token","required":true,"transform":{"type":"scalar"},"locs":[{"a":21,"b":27}]}],"statement":"select verify_domain(:token!) as \"isVerified!\""};

/**
 * Query generated from SQL:
 * ```
 * select verify_domain(:token!) as "isVerified!"
 * ```
 */
export const verifyDomain = new PreparedQuery<VerifyDomainParams,VerifyDomainResult>(verifyDomainIR);


/** 'ReleaseDomain' parameters type */
export interface ReleaseDomainParams {
  domain: string;
}

/** 'ReleaseDomain' return type */
export interface ReleaseDomainResult {
  release_domain: undefined | null;
}

/** 'ReleaseDomain' query type */
export interface ReleaseDomainQuery {
  params: ReleaseDomainParams;
  result: ReleaseDomainResult;
}

const releaseDomainIR: any = {"usedParamSet":{"domain":true},"params":[{"name":"domain","required":true,"transform":{"type":"scalar"},"locs":[{"a":22,"b":29}]}],"statement":"select release_domain(:domain!)"};

/**
 * Query generated from SQL:
 * ```
 * select release_domain(:domain!)
 * ```
 */
export const releaseDomain = new PreparedQuery<ReleaseDomainParams,ReleaseDomainResult>(releaseDomainIR);


