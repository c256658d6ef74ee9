import { readdirSync } from "node:fs";
import { join } from "node:path";

import { userId } from "./support/actors.js";
import { examplesOf, promised, runExample } from "./support/examples.js";
import { useTwoOrganizations } from "./support/world.js";

for (const name of readdirSync(join(__dirname, "..", "docs", "repositories"))) {
  const page = `docs/repositories/${name}`;
  describe(page, () => {
    const world = useTwoOrganizations();
    let given: Record<string, unknown>;

    beforeAll(async () => {
      given = {
        safetyPin: world.safetyPin,
        token: await world.token("ann", "acme"),
        bobToken: await world.token("bob", "acme"),
        founderToken: await world.token("zoe"),
        bob: userId("bob"),
        stranger: userId("zoe"),
      };
    });

    const examples = examplesOf(page);
    it("has examples", () => {
      expect(examples.length).toBeGreaterThan(5);
    });

    for (const { line, code } of examples) {
      it(`prints what it says, at line ${line}`, async () => {
        expect(await runExample(code, given)).toEqual(promised(code));
      });
    }
  });
}
