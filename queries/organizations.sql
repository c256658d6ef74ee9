/* @name FindOrganization */
select
  id,
  slug,
  name,
  domain,
  status,
  subscription_tier as "subscriptionTier",
  max_users as "maxUsers",
  member_count as "memberCount",
  owner_count as "ownerCount",
  billing_email is not null or technical_contact_email is not null as "hasContacts!",
  settings,
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime"
from organizations
where id = :organizationId!;

/* @name FindCurrentOrganization */
select
  id,
  slug,
  name,
  domain,
  status,
  subscription_tier as "subscriptionTier",
  max_users as "maxUsers",
  member_count as "memberCount",
  owner_count as "ownerCount",
  billing_email is not null or technical_contact_email is not null as "hasContacts!",
  settings,
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime"
from organizations
where id = (select current_organization_id());

/* @name ListOwnOrganizations */
select
  organization_id as "organizationId!",
  slug as "slug!",
  name as "name!",
  role as "role!",
  status as "status!"
from list_own_organizations();

/* @name FindOrganizationOfOwnDomain */
select
  organization_id as "organizationId",
  name
from find_organization_of_own_domain();

/* @name OpenContacts */
select
  opened.texts[1] as "billingEmail",
  opened.texts[2] as "technicalContactEmail"
from organizations
cross join lateral open_rows(
  :fields!, array[organizations.id], array[billing_email, technical_contact_email]
) as opened
where organizations.id = :organizationId!;

/* @name SetBillingEmail */
select set_billing_email(:email);

/* @name SetTechnicalContactEmail */
select set_technical_contact_email(:email);

/* @name CreateOrganization */
select create_organization(p_slug => :slug!, p_name => :name!) as "organizationId!";

/* @name ChooseOrganization */
select choose_organization(:organizationId!);

/* @name UpdateOrganization */
update organizations
set
  name = coalesce(:name, name),
  settings = coalesce(:settings, settings)
where id = (select current_organization_id())
returning
  id,
  slug,
  name,
  domain,
  status,
  subscription_tier as "subscriptionTier",
  max_users as "maxUsers",
  member_count as "memberCount",
  owner_count as "ownerCount",
  billing_email is not null or technical_contact_email is not null as "hasContacts!",
  settings,
  creation_time as "creationTime",
  last_update_time as "lastUpdateTime";

/* @name CloseOrganization */
select close_organization();
