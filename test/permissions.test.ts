import { usePage } from "./support/page.js";

describe("docs/permissions.md", () => {
  const page = usePage("permissions.md");

  test("is what the base seeds say, to the letter", async () => {
    expect(await page.rendered()).toBe(await page.written());
  });

  test.each([
    ["a permission that is honoured elsewhere", "update permissions set functions = '{new_id}' where name = 'roles.manage'"],
    ["a policy that honours one no more", "update permissions set policies = '{}' where name = 'sessions.read'"],
    ["a role that gathers another", "delete from role_permissions where role_id = (select id from roles where name = 'help_desk' limit 1)"],
    ["another system role", "insert into roles (name, description) values ('janitor', 'Sweeps.')"],
  ])("shows %s", async (_what, statement) => {
    expect(await page.rendered(statement)).not.toBe(await page.written());
  });
});
