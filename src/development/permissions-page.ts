import type { ClientBase } from "pg";

import { heading, table } from "./markdown.js";

const PREFACE = `# Permissions, and what honours them

Generated from the table \`permissions\` by \`npm run docs:generate\`; a test compares the
two. The conventions hold the names to the catalog: a permission that nothing honours
fails, and so does a function or a policy that no permission covers. What the database
roles may do besides is in [privileges.md](privileges.md).
`;

/** Who holds a permission, in the order in which a newcomer meets them. */
const HOLDERS: Readonly<Record<string, string>> = {
  role: "Held through a role",
  owner: "Held by the owners of the organization",
  signed_in: "Held by whoever is signed in, for themselves",
  everyone: "Held by everyone, before sign-in too",
  database_role: "Held by database roles",
};

interface Permission {
  readonly name: string;
  readonly description: string;
  readonly heldBy: string;
  readonly databaseRole: string;
  readonly functions: string[];
  readonly policies: string[];
  readonly roles: string[];
}

/** `docs/permissions.md`, as the base seeds have it. The client's path leads to the cell. */
export async function renderPermissions(client: ClientBase): Promise<string> {
  const { rows } = await client.query<Permission>(PERMISSIONS);
  const sections = Object.entries(HOLDERS).map(([holder, title]) => {
    const permissions = rows.filter(({ heldBy }) => heldBy === holder);
    return `${heading(title)}\n${permissions.map(describe).join("\n")}`;
  });
  return [PREFACE, await renderRoles(client), ...sections].join("\n");
}

function describe(permission: Permission): string {
  const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");
  const facts: [string, string][] = [
    ["roles", permission.roles.join(", ")],
    ["database role", `\`${permission.databaseRole}\``],
    ["functions", code(permission.functions)],
    ["policies", code(permission.policies)],
  ];
  return [
    heading(permission.name, 3),
    `${permission.description}\n`,
    table(["honoured by", ""], facts.filter(([, value]) => value !== "")),
  ].join("\n");
}

async function renderRoles(client: ClientBase): Promise<string> {
  const { rows } = await client.query<string[]>({ text: ROLES, rowMode: "array" });
  return [
    heading("System roles"),
    "The same in every organization; organizations make their own beside them.\n",
    table(["role", "what it is for", "permissions"], rows),
  ].join("\n");
}

const PERMISSIONS = `
  select
    name,
    description,
    held_by as "heldBy",
    database_role as "databaseRole",
    functions,
    policies,
    array(
      select roles.name
      from role_permissions
      join roles on roles.id = role_permissions.role_id
      where role_permissions.permission_id = permissions.id
        and roles.organization_id is null
      order by roles.name collate "C"
    ) as roles
  from permissions
  where is_system_permission
  order by name collate "C"
`;

const ROLES = `
  select
    roles.name,
    roles.description,
    coalesce(string_agg(permissions.name, ', ' order by permissions.name collate "C"), 'none')
  from roles
  left join role_permissions on role_permissions.role_id = roles.id
  left join permissions on permissions.id = role_permissions.permission_id
  where roles.organization_id is null
  group by roles.name, roles.description
  order by roles.name collate "C"
`;
