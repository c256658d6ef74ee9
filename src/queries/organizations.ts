/** Types generated for queries found in "queries/organizations.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** 'FindOrganization' parameters type */
export interface FindOrganizationParams {
  organizationId: string;
}

/** 'FindOrganization' return type */
export interface FindOrganizationResult {
  /** Where bills go. [personal] */
  billingEmail: string | null;
  /** When it was founded. [internal] */
  creationTime: Date;
  /** Its first verified e-mail domain; null before one is verified. All of them are in organization_domains. [internal] */
  domain: string | null;
  /** The id of the organization. [internal] */
  id: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** How many members it may have; null for no limit. [internal] */
  maxUsers: number | null;
  /** How many it has, people who are merely invited not counted. [internal] */
  memberCount: number;
  /** What people call it. [internal] */
  name: string;
  /** How many of them are active owners. [internal] */
  ownerCount: number;
  /** locale, timezone, logo_url and support_url, each a string and each optional. [internal] */
  settings: Json;
  /** The name used in addresses: lower-case words joined by hyphens. It ends in four digits the database chose, so that asking for a name tells nobody whether another has it. [internal] */
  slug: string;
  /** inactive while it is being founded, then active; suspended by an operator; deleted by its owner. Nobody signs in unless it is active. [internal] */
  status: string;
  /** What it pays for. [internal] */
  subscriptionTier: string;
  /** Whom to ask. [personal] */
  technicalContactEmail: string | null;
}

/** 'FindOrganization' query type */
export interface FindOrganizationQuery {
  params: FindOrganizationParams;
  result: FindOrganizationResult;
}

const findOrganizationIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":388,"b":403}]}],"statement":"select\n  id,\n  slug,\n  name,\n  domain,\n  status,\n  subscription_tier as \"subscriptionTier\",\n  max_users as \"maxUsers\",\n  member_count as \"memberCount\",\n  owner_count as \"ownerCount\",\n  billing_email as \"billingEmail\",\n  technical_contact_email as \"technicalContactEmail\",\n  settings,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\"\nfrom organizations\nwhere id = :organizationId!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   slug,
 *   name,
 *   domain,
 *   status,
 *   subscription_tier as "subscriptionTier",
 *   max_users as "maxUsers",
 *   member_count as "memberCount",
 *   owner_count as "ownerCount",
 *   billing_email as "billingEmail",
 *   technical_contact_email as "technicalContactEmail",
 *   settings,
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime"
 * from organizations
 * where id = :organizationId!
 * ```
 */
export const findOrganization = new PreparedQuery<FindOrganizationParams,FindOrganizationResult>(findOrganizationIR);


/** 'FindCurrentOrganization' parameters type */
export type FindCurrentOrganizationParams = void;

/** 'FindCurrentOrganization' return type */
export interface FindCurrentOrganizationResult {
  /** Where bills go. [personal] */
  billingEmail: string | null;
  /** When it was founded. [internal] */
  creationTime: Date;
  /** Its first verified e-mail domain; null before one is verified. All of them are in organization_domains. [internal] */
  domain: string | null;
  /** The id of the organization. [internal] */
  id: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** How many members it may have; null for no limit. [internal] */
  maxUsers: number | null;
  /** How many it has, people who are merely invited not counted. [internal] */
  memberCount: number;
  /** What people call it. [internal] */
  name: string;
  /** How many of them are active owners. [internal] */
  ownerCount: number;
  /** locale, timezone, logo_url and support_url, each a string and each optional. [internal] */
  settings: Json;
  /** The name used in addresses: lower-case words joined by hyphens. It ends in four digits the database chose, so that asking for a name tells nobody whether another has it. [internal] */
  slug: string;
  /** inactive while it is being founded, then active; suspended by an operator; deleted by its owner. Nobody signs in unless it is active. [internal] */
  status: string;
  /** What it pays for. [internal] */
  subscriptionTier: string;
  /** Whom to ask. [personal] */
  technicalContactEmail: string | null;
}

/** 'FindCurrentOrganization' query type */
export interface FindCurrentOrganizationQuery {
  params: FindCurrentOrganizationParams;
  result: FindCurrentOrganizationResult;
}

const findCurrentOrganizationIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  id,\n  slug,\n  name,\n  domain,\n  status,\n  subscription_tier as \"subscriptionTier\",\n  max_users as \"maxUsers\",\n  member_count as \"memberCount\",\n  owner_count as \"ownerCount\",\n  billing_email as \"billingEmail\",\n  technical_contact_email as \"technicalContactEmail\",\n  settings,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\"\nfrom organizations\nwhere id = (select current_organization_id())"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   id,
 *   slug,
 *   name,
 *   domain,
 *   status,
 *   subscription_tier as "subscriptionTier",
 *   max_users as "maxUsers",
 *   member_count as "memberCount",
 *   owner_count as "ownerCount",
 *   billing_email as "billingEmail",
 *   technical_contact_email as "technicalContactEmail",
 *   settings,
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime"
 * from organizations
 * where id = (select current_organization_id())
 * ```
 */
export const findCurrentOrganization = new PreparedQuery<FindCurrentOrganizationParams,FindCurrentOrganizationResult>(findCurrentOrganizationIR);


/** 'ListOwnOrganizations' parameters type */
export type ListOwnOrganizationsParams = void;

/** 'ListOwnOrganizations' return type */
export interface ListOwnOrganizationsResult {
  name: string;
  organizationId: string;
  role: string;
  slug: string;
  status: string;
}

/** 'ListOwnOrganizations' query type */
export interface ListOwnOrganizationsQuery {
  params: ListOwnOrganizationsParams;
  result: ListOwnOrganizationsResult;
}

const listOwnOrganizationsIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  organization_id as \"organizationId!\",\n  slug as \"slug!\",\n  name as \"name!\",\n  role as \"role!\",\n  status as \"status!\"\nfrom list_own_organizations()"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   organization_id as "organizationId!",
 *   slug as "slug!",
 *   name as "name!",
 *   role as "role!",
 *   status as "status!"
 * from list_own_organizations()
 * ```
 */
export const listOwnOrganizations = new PreparedQuery<ListOwnOrganizationsParams,ListOwnOrganizationsResult>(listOwnOrganizationsIR);


/** 'FindOrganizationOfOwnDomain' parameters type */
export type FindOrganizationOfOwnDomainParams = void;

/** 'FindOrganizationOfOwnDomain' return type */
export interface FindOrganizationOfOwnDomainResult {
  name: string | null;
  organizationId: string | null;
}

/** 'FindOrganizationOfOwnDomain' query type */
export interface FindOrganizationOfOwnDomainQuery {
  params: FindOrganizationOfOwnDomainParams;
  result: FindOrganizationOfOwnDomainResult;
}

const findOrganizationOfOwnDomainIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  organization_id as \"organizationId\",\n  name\nfrom find_organization_of_own_domain()"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   organization_id as "organizationId",
 *   name
 * from find_organization_of_own_domain()
 * ```
 */
export const findOrganizationOfOwnDomain = new PreparedQuery<FindOrganizationOfOwnDomainParams,FindOrganizationOfOwnDomainResult>(findOrganizationOfOwnDomainIR);


/** 'CreateOrganization' parameters type */
export interface CreateOrganizationParams {
  name: string;
  slug: string;
}

/** 'CreateOrganization' return type */
export interface CreateOrganizationResult {
  organizationId: string;
}

/** 'CreateOrganization' query type */
export interface CreateOrganizationQuery {
  params: CreateOrganizationParams;
  result: CreateOrganizationResult;
}

const createOrganizationIR: any = {"usedParamSet":{"slug":true,"name":true},"params":[{"name":"slug","required":true,"transform":{"type":"scalar"},"locs":[{"a":37,"b":42}]},{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":55,"b":60}]}],"statement":"select create_organization(p_slug => :slug!, p_name => :name!) as \"organizationId!\""};

/**
 * Query generated from SQL:
 * ```
 * select create_organization(p_slug => :slug!, p_name => :name!) as "organizationId!"
 * ```
 */
export const createOrganization = new PreparedQuery<CreateOrganizationParams,CreateOrganizationResult>(createOrganizationIR);


/** 'ChooseOrganization' parameters type */
export interface ChooseOrganizationParams {
  organizationId: string;
}

/** 'ChooseOrganization' return type */
export interface ChooseOrganizationResult {
  choose_organization: undefined | null;
}

/** 'ChooseOrganization' query type */
export interface ChooseOrganizationQuery {
  params: ChooseOrganizationParams;
  result: ChooseOrganizationResult;
}

const chooseOrganizationIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":27,"b":42}]}],"statement":"select choose_organization(:organizationId!)"};

/**
 * Query generated from SQL:
 * ```
 * select choose_organization(:organizationId!)
 * ```
 */
export const chooseOrganization = new PreparedQuery<ChooseOrganizationParams,ChooseOrganizationResult>(chooseOrganizationIR);


/** 'UpdateOrganization' parameters type */
export interface UpdateOrganizationParams {
  billingEmail?: string | null | void;
  name?: string | null | void;
  setsBillingEmail: boolean;
  setsTechnicalContactEmail: boolean;
  settings?: Json | null | void;
  technicalContactEmail?: string | null | void;
}

/** 'UpdateOrganization' return type */
export interface UpdateOrganizationResult {
  /** Where bills go. [personal] */
  billingEmail: string | null;
  /** When it was founded. [internal] */
  creationTime: Date;
  /** Its first verified e-mail domain; null before one is verified. All of them are in organization_domains. [internal] */
  domain: string | null;
  /** The id of the organization. [internal] */
  id: string;
  /** When this row last changed. [internal] */
  lastUpdateTime: Date;
  /** How many members it may have; null for no limit. [internal] */
  maxUsers: number | null;
  /** How many it has, people who are merely invited not counted. [internal] */
  memberCount: number;
  /** What people call it. [internal] */
  name: string;
  /** How many of them are active owners. [internal] */
  ownerCount: number;
  /** locale, timezone, logo_url and support_url, each a string and each optional. [internal] */
  settings: Json;
  /** The name used in addresses: lower-case words joined by hyphens. It ends in four digits the database chose, so that asking for a name tells nobody whether another has it. [internal] */
  slug: string;
  /** inactive while it is being founded, then active; suspended by an operator; deleted by its owner. Nobody signs in unless it is active. [internal] */
  status: string;
  /** What it pays for. [internal] */
  subscriptionTier: string;
  /** Whom to ask. [personal] */
  technicalContactEmail: string | null;
}

/** 'UpdateOrganization' query type */
export interface UpdateOrganizationQuery {
  params: UpdateOrganizationParams;
  result: UpdateOrganizationResult;
}

const updateOrganizationIR: any = {"usedParamSet":{"name":true,"setsBillingEmail":true,"billingEmail":true,"setsTechnicalContactEmail":true,"technicalContactEmail":true,"settings":true},"params":[{"name":"name","required":false,"transform":{"type":"scalar"},"locs":[{"a":43,"b":47}]},{"name":"setsBillingEmail","required":true,"transform":{"type":"scalar"},"locs":[{"a":85,"b":102}]},{"name":"billingEmail","required":false,"transform":{"type":"scalar"},"locs":[{"a":109,"b":121}]},{"name":"setsTechnicalContactEmail","required":true,"transform":{"type":"scalar"},"locs":[{"a":189,"b":215}]},{"name":"technicalContactEmail","required":false,"transform":{"type":"scalar"},"locs":[{"a":222,"b":243}]},{"name":"settings","required":false,"transform":{"type":"scalar"},"locs":[{"a":307,"b":315}]}],"statement":"update organizations\nset\n  name = coalesce(:name, name),\n  billing_email = case when :setsBillingEmail! then :billingEmail else billing_email end,\n  technical_contact_email = case\n    when :setsTechnicalContactEmail! then :technicalContactEmail\n    else technical_contact_email\n  end,\n  settings = coalesce(:settings, settings)\nwhere id = (select current_organization_id())\nreturning\n  id,\n  slug,\n  name,\n  domain,\n  status,\n  subscription_tier as \"subscriptionTier\",\n  max_users as \"maxUsers\",\n  member_count as \"memberCount\",\n  owner_count as \"ownerCount\",\n  billing_email as \"billingEmail\",\n  technical_contact_email as \"technicalContactEmail\",\n  settings,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\""};

/**
 * Query generated from SQL:
 * ```
 * update organizations
 * set
 *   name = coalesce(:name, name),
 *   billing_email = case when :setsBillingEmail! then :billingEmail else billing_email end,
 *   technical_contact_email = case
 *     when :setsTechnicalContactEmail! then :technicalContactEmail
 *     else technical_contact_email
 *   end,
 *   settings = coalesce(:settings, settings)
 * where id = (select current_organization_id())
 * returning
 *   id,
 *   slug,
 *   name,
 *   domain,
 *   status,
 *   subscription_tier as "subscriptionTier",
 *   max_users as "maxUsers",
 *   member_count as "memberCount",
 *   owner_count as "ownerCount",
 *   billing_email as "billingEmail",
 *   technical_contact_email as "technicalContactEmail",
 *   settings,
 *   creation_time as "creationTime",
 *   last_update_time as "lastUpdateTime"
 * ```
 */
export const updateOrganization = new PreparedQuery<UpdateOrganizationParams,UpdateOrganizationResult>(updateOrganizationIR);


/** 'CloseOrganization' parameters type */
export type CloseOrganizationParams = void;

/** 'CloseOrganization' return type */
export interface CloseOrganizationResult {
  close_organization: undefined | null;
}

/** 'CloseOrganization' query type */
export interface CloseOrganizationQuery {
  params: CloseOrganizationParams;
  result: CloseOrganizationResult;
}

const closeOrganizationIR: any = {"usedParamSet":{},"params":[],"statement":"select close_organization()"};

/**
 * Query generated from SQL:
 * ```
 * select close_organization()
 * ```
 */
export const closeOrganization = new PreparedQuery<CloseOrganizationParams,CloseOrganizationResult>(closeOrganizationIR);


