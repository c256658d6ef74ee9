/** Types generated for queries found in "queries/organizations.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type numberArray = (number)[];

/** 'FindOrganization' parameters type */
export interface FindOrganizationParams {
  organizationId: string;
}

/** 'FindOrganization' return type */
export interface FindOrganizationResult {
  /** When it was founded. [internal] */
  creationTime: Date;
  /** Its first verified e-mail domain; null before one is verified. All of them are in organization_domains. [internal] */
  domain: string | null;
  hasContacts: boolean;
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
  /** inactive while it is being founded, then active; suspended by an operator; deleted by its owner; shredded for good. Nobody signs in unless it is active. [internal] */
  status: string;
  /** What it pays for. [internal] */
  subscriptionTier: string;
}

/** 'FindOrganization' query type */
export interface FindOrganizationQuery {
  params: FindOrganizationParams;
  result: FindOrganizationResult;
}

const findOrganizationIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":385,"b":400}]}],"statement":"select\n  id,\n  slug,\n  name,\n  domain,\n  status,\n  subscription_tier as \"subscriptionTier\",\n  max_users as \"maxUsers\",\n  member_count as \"memberCount\",\n  owner_count as \"ownerCount\",\n  billing_email is not null or technical_contact_email is not null as \"hasContacts!\",\n  settings,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\"\nfrom organizations\nwhere id = :organizationId!"};

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
 *   billing_email is not null or technical_contact_email is not null as "hasContacts!",
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
  /** When it was founded. [internal] */
  creationTime: Date;
  /** Its first verified e-mail domain; null before one is verified. All of them are in organization_domains. [internal] */
  domain: string | null;
  hasContacts: boolean;
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
  /** inactive while it is being founded, then active; suspended by an operator; deleted by its owner; shredded for good. Nobody signs in unless it is active. [internal] */
  status: string;
  /** What it pays for. [internal] */
  subscriptionTier: string;
}

/** 'FindCurrentOrganization' query type */
export interface FindCurrentOrganizationQuery {
  params: FindCurrentOrganizationParams;
  result: FindCurrentOrganizationResult;
}

const findCurrentOrganizationIR: any = {"usedParamSet":{},"params":[],"statement":"select\n  id,\n  slug,\n  name,\n  domain,\n  status,\n  subscription_tier as \"subscriptionTier\",\n  max_users as \"maxUsers\",\n  member_count as \"memberCount\",\n  owner_count as \"ownerCount\",\n  billing_email is not null or technical_contact_email is not null as \"hasContacts!\",\n  settings,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\"\nfrom organizations\nwhere id = (select current_organization_id())"};

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
 *   billing_email is not null or technical_contact_email is not null as "hasContacts!",
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


/** 'OpenContacts' parameters type */
export interface OpenContactsParams {
  fields: numberArray;
  organizationId: string;
}

/** 'OpenContacts' return type */
export interface OpenContactsResult {
  billingEmail: string | null;
  technicalContactEmail: string | null;
}

/** 'OpenContacts' query type */
export interface OpenContactsQuery {
  params: OpenContactsParams;
  result: OpenContactsResult;
}

const openContactsIR: any = {"usedParamSet":{"fields":true,"organizationId":true},"params":[{"name":"fields","required":true,"transform":{"type":"scalar"},"locs":[{"a":140,"b":147}]},{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":258,"b":273}]}],"statement":"select\n  opened.texts[1] as \"billingEmail\",\n  opened.texts[2] as \"technicalContactEmail\"\nfrom organizations\ncross join lateral open_rows(\n  :fields!, array[organizations.id], array[billing_email, technical_contact_email]\n) as opened\nwhere organizations.id = :organizationId!"};

/**
 * Query generated from SQL:
 * ```
 * select
 *   opened.texts[1] as "billingEmail",
 *   opened.texts[2] as "technicalContactEmail"
 * from organizations
 * cross join lateral open_rows(
 *   :fields!, array[organizations.id], array[billing_email, technical_contact_email]
 * ) as opened
 * where organizations.id = :organizationId!
 * ```
 */
export const openContacts = new PreparedQuery<OpenContactsParams,OpenContactsResult>(openContactsIR);


/** 'SetBillingEmail' parameters type */
export interface SetBillingEmailParams {
  email?: string | null | void;
}

/** 'SetBillingEmail' return type */
export interface SetBillingEmailResult {
  set_billing_email: undefined | null;
}

/** 'SetBillingEmail' query type */
export interface SetBillingEmailQuery {
  params: SetBillingEmailParams;
  result: SetBillingEmailResult;
}

const setBillingEmailIR: any = {"usedParamSet":{"email":true},"params":[{"name":"email","required":false,"transform":{"type":"scalar"},"locs":[{"a":25,"b":30}]}],"statement":"select set_billing_email(:email)"};

/**
 * Query generated from SQL:
 * ```
 * select set_billing_email(:email)
 * ```
 */
export const setBillingEmail = new PreparedQuery<SetBillingEmailParams,SetBillingEmailResult>(setBillingEmailIR);


/** 'SetTechnicalContactEmail' parameters type */
export interface SetTechnicalContactEmailParams {
  email?: string | null | void;
}

/** 'SetTechnicalContactEmail' return type */
export interface SetTechnicalContactEmailResult {
  set_technical_contact_email: undefined | null;
}

/** 'SetTechnicalContactEmail' query type */
export interface SetTechnicalContactEmailQuery {
  params: SetTechnicalContactEmailParams;
  result: SetTechnicalContactEmailResult;
}

const setTechnicalContactEmailIR: any = {"usedParamSet":{"email":true},"params":[{"name":"email","required":false,"transform":{"type":"scalar"},"locs":[{"a":35,"b":40}]}],"statement":"select set_technical_contact_email(:email)"};

/**
 * Query generated from SQL:
 * ```
 * select set_technical_contact_email(:email)
 * ```
 */
export const setTechnicalContactEmail = new PreparedQuery<SetTechnicalContactEmailParams,SetTechnicalContactEmailResult>(setTechnicalContactEmailIR);


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
  name?: string | null | void;
  settings?: Json | null | void;
}

/** 'UpdateOrganization' return type */
export interface UpdateOrganizationResult {
  /** When it was founded. [internal] */
  creationTime: Date;
  /** Its first verified e-mail domain; null before one is verified. All of them are in organization_domains. [internal] */
  domain: string | null;
  hasContacts: boolean;
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
  /** inactive while it is being founded, then active; suspended by an operator; deleted by its owner; shredded for good. Nobody signs in unless it is active. [internal] */
  status: string;
  /** What it pays for. [internal] */
  subscriptionTier: string;
}

/** 'UpdateOrganization' query type */
export interface UpdateOrganizationQuery {
  params: UpdateOrganizationParams;
  result: UpdateOrganizationResult;
}

const updateOrganizationIR: any = {"usedParamSet":{"name":true,"settings":true},"params":[{"name":"name","required":false,"transform":{"type":"scalar"},"locs":[{"a":43,"b":47}]},{"name":"settings","required":false,"transform":{"type":"scalar"},"locs":[{"a":79,"b":87}]}],"statement":"update organizations\nset\n  name = coalesce(:name, name),\n  settings = coalesce(:settings, settings)\nwhere id = (select current_organization_id())\nreturning\n  id,\n  slug,\n  name,\n  domain,\n  status,\n  subscription_tier as \"subscriptionTier\",\n  max_users as \"maxUsers\",\n  member_count as \"memberCount\",\n  owner_count as \"ownerCount\",\n  billing_email is not null or technical_contact_email is not null as \"hasContacts!\",\n  settings,\n  creation_time as \"creationTime\",\n  last_update_time as \"lastUpdateTime\""};

/**
 * Query generated from SQL:
 * ```
 * update organizations
 * set
 *   name = coalesce(:name, name),
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
 *   billing_email is not null or technical_contact_email is not null as "hasContacts!",
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


