import { usePage } from "./support/page.js";

describe("docs/privileges.md", () => {
  const page = usePage("privileges.md");

  test("is what the catalog says, to the letter", async () => {
    expect(await page.rendered()).toBe(await page.written());
  });

  test.each([
    ["a grant on a table", "grant select on context_keys to safetypin_operator"],
    ["a grant on a column", "grant update (status) on users to safetypin_app"],
    ["a grant that is gone", "revoke select on users from safetypin_backup"],
    ["a column that is granted no more", "revoke select (email) on users from safetypin_app"],
    ["a grant on a sequence", "grant usage on sequence clock_high_water to safetypin_app"],
    ["a grant on a view", "grant select on live_sessions to safetypin_app"],
    ["a function for everybody", "grant execute on function new_id() to public"],
    ["a function of another owner", "alter function suspend_user(uuid, text) owner to safetypin_owner"],
    ["a function that runs as its caller", "alter function suspend_user(uuid, text) security invoker"],
    ["another login in the cell", "grant usage on schema safetypin to safetypin_monitor"],
    ["room for temporary tables", "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$"],
    ["a membership", "grant safetypin_definer to safetypin_keyholder"],
  ])("shows %s", async (_what, statement) => {
    expect(await page.rendered(statement)).not.toBe(await page.written());
  });
});
