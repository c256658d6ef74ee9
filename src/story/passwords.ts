import { AuthenticationError, PasswordRefusedError, RuleError, type SafetyPin } from "../index.js";
import { bad, chapter, good, insist, say } from "./narrator.js";
import { type Actor, PASSWORD } from "./people.js";

const OTHER_PASSWORD = "a kettle, two ferns and a lamp";

/** Wrong passwords until throttled; new ones that break rules; an old one again. */
export async function tellPasswords(safetypin: SafetyPin, { ann, zoe }: { ann: Actor; zoe: Actor }): Promise<void> {
  chapter("2. Passwords");
  for (let attempt = 1; attempt <= 6; attempt += 1) {
    const refusal = await refusalOf(() =>
      safetypin.signIn({ email: zoe.email, password: `guess number ${attempt}, and wrong`, ipAddress: "203.0.113.66" }),
    );
    insist(refusal instanceof AuthenticationError, "a wrong password is refused");
    const wait = refusal.retryAfterMs === undefined ? "" : `: not before ${Math.ceil(refusal.retryAfterMs / 1000)} s`;
    say(`    guess ${attempt} at Zoe's password → ${refusal.code}${wait}`);
    insist((refusal.code === "throttled") === (attempt === 6), "the sixth guess is throttled");
  }
  good("Each guess was charged before anything was compared; the sixth was not even compared");

  const stranger = await refusalOf(() =>
    safetypin.signIn({ email: `nobody.${zoe.email}`, password: PASSWORD }),
  );
  insist(
    stranger instanceof AuthenticationError && stranger.code === "invalid_credentials",
    "an address nobody has is answered like one that somebody has",
  );
  good("An address that nobody has is answered like any other: invalid_credentials");

  const weak = await refusalOf(() =>
    safetypin.changePassword(ann.sessionToken, { currentPassword: PASSWORD, newPassword: "Archer" }),
  );
  insist(weak instanceof PasswordRefusedError, "a weak password is refused");
  good("Ann tries “Archer” and is told every rule it breaks at once:");
  for (const { code } of weak.broken) bad(code);

  await safetypin.changePassword(ann.sessionToken, {
    currentPassword: PASSWORD,
    newPassword: OTHER_PASSWORD,
  });
  good("Ann changes her password; her other sessions ended with that");

  const reused = await refusalOf(() =>
    safetypin.changePassword(ann.sessionToken, { currentPassword: OTHER_PASSWORD, newPassword: PASSWORD }),
  );
  insist(reused instanceof RuleError && reused.code === "password_reused", "an old password is refused");
  good("And back to the old one? password_reused: a unique constraint said so, not an application");
}

/** What a call is refused with. */
export async function refusalOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}
