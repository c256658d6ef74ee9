import { usePage } from "./support/page.js";

describe("docs/data-inventory.md", () => {
  const page = usePage("data-inventory.md");

  test("is what the comments of the columns say, to the letter", async () => {
    expect(await page.rendered()).toBe(await page.written());
  });

  test("shows a column that is classed otherwise", async () => {
    const after = "comment on column users.email is 'The address they sign in with. [public]'";
    expect(await page.rendered(after)).not.toBe(await page.written());
  });
});
