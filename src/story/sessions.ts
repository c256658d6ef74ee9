import { AuthenticationError, type SafetyPin } from "../index.js";
import { createRepositories } from "../repositories.js";
import { chapter, good, insist, say } from "./narrator.js";
import { refusalOf } from "./passwords.js";
import type { Actor } from "./people.js";
import type pg from "pg";

/** A session is looked at, its tokens change, and a used one comes back. */
export async function tellSessions(
  safetypin: SafetyPin,
  ben: Actor,
  admin: pg.Client,
): Promise<Actor> {
  chapter("3. Sessions and a stolen token");
  const session = await safetypin.withSession(ben.sessionToken, (tx) =>
    createRepositories(tx).sessions.getCurrent(),
  );
  good(`Ben's session ${session.id} is good until ${session.expirationTime.toISOString()}`);
  say(`    printing his token shows ${String(ben.sessionToken)}; the database keeps its digest`);

  const [first, second] = await Promise.all([
    safetypin.refresh(ben.refreshToken),
    safetypin.refresh(ben.refreshToken),
  ]);
  insist(first.refreshToken.reveal() === second.refreshToken.reveal(), "two tabs get one successor");
  good("Two tabs refresh at once and get the same successor, not a fork");

  const stale = await refusalOf(() => safetypin.withSession(ben.sessionToken, (tx) => tx.caller()));
  insist(stale instanceof AuthenticationError && stale.code === "session_invalid", "the old token is dead");
  good("The session token they had before is worth nothing now: session_invalid");

  // A minute passes; the story does not wait for it.
  await admin.query(
    "update safetypin.refresh_tokens set used_time = used_time - interval '1 minute' where session_id = $1 and is_used",
    [first.sessionId],
  );
  const theft = await refusalOf(() => safetypin.refresh(ben.refreshToken, { ipAddress: "203.0.113.66" }));
  insist(theft instanceof AuthenticationError && theft.code === "session_stolen", "theft is noticed");
  const victim = await refusalOf(() => safetypin.withSession(first.sessionToken, (tx) => tx.caller()));
  insist(victim instanceof AuthenticationError, "the session is over for the thief and for Ben");
  good("A minute later a thief brings the used refresh token: session_stolen");
  good("The session is over for both of them, and an alert is open");

  const { sessionToken, refreshToken } = await safetypin.signIn({
    email: ben.email,
    password: "correct horse battery staple",
  });
  return { ...ben, sessionToken, refreshToken };
}
