import { RuleError, type SafetyPin } from "../index.js";
import { createRepositories } from "../repositories.js";
import { chapter, good, insist, say } from "./narrator.js";
import { refusalOf } from "./passwords.js";
import type { Actor } from "./people.js";

/** What Ben may not do, then may, and then may not again. */
export async function tellPermissions(
  safetypin: SafetyPin,
  { ann, ben }: { ann: Actor; ben: Actor },
): Promise<void> {
  chapter("4. Permissions");
  const denied = await refusalOf(() =>
    safetypin.withSession(ben.sessionToken, (tx) =>
      createRepositories(tx).permissions.createRole({ name: "Everything" }),
    ),
  );
  insist(denied instanceof RuleError, "Ben may not make roles");
  good(`Ben tries to make a role → ${denied.code}: ${denied.message}`);

  const roleId = await safetypin.withSession(ann.sessionToken, async (tx) => {
    const { permissions } = createRepositories(tx);
    const id = await permissions.createRole({ name: "Reads the evidence" });
    await permissions.setRolePermissions(id, ["audit.read"]);
    await permissions.assignRole({ userId: ben.userId, roleId: id, reason: "quarterly review" });
    return id;
  });
  insist(await holds(safetypin, ben), "Ben holds audit.read");
  good("Ann makes a role with audit.read and gives it to Ben: he holds it at his next statement");

  await safetypin.withSession(ann.sessionToken, (tx) =>
    createRepositories(tx).permissions.removeRole(ben.userId, roleId),
  );
  insist(!(await holds(safetypin, ben)), "Ben holds audit.read no more");
  good("She takes it back, and he holds it no more. Nothing was cached, nothing had to expire");
  say("    Nobody grants what they do not hold: roles and memberships are checked in SQL");
}

async function holds(safetypin: SafetyPin, { sessionToken }: Actor): Promise<boolean> {
  return safetypin.withSession(sessionToken, (tx) => createRepositories(tx).permissions.has("audit.read"));
}
