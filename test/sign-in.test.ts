import { inspect } from "node:util";

import { AuthenticationBusyError, bcryptQueue } from "../src/bcrypt-queue.js";
import { AuthenticationError } from "../src/errors.js";
import { newId, type OrganizationId } from "../src/ids.js";
import type { LogEntry } from "../src/query-report.js";
import type { SafetyPin } from "../src/safetypin.js";
import { OneTimeToken, tagOf } from "../src/tokens.js";
import { connectForTest, deliverMail, newPassword, newPerson, readToken, reveal } from "./support/client.js";
import { useDatabase } from "./support/database.js";

jest.setTimeout(60_000);

const database = useDatabase();
const log: LogEntry[] = [];
let safetypin: SafetyPin;

beforeAll(async () => {
  safetypin = await connectForTest(database, { log: (entry) => log.push(entry) });
});
afterAll(() => safetypin.close());

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => {
      throw new Error("it was taken");
    },
    (error: unknown) => error as AuthenticationError,
  );

describe("signing in", () => {
  it("opens a session with the right password", async () => {
    const { email, password, userId } = await newPerson(database, "ann");
    const signedIn = await safetypin.signIn({ email, password, ipAddress: "192.0.2.1" });
    reveal(signedIn.sessionToken);
    reveal(signedIn.refreshToken);

    expect(signedIn).toMatchObject({ userId, organizationId: null });
    expect(signedIn.expirationTime.getTime()).toBeGreaterThan(Date.now());
    const caller = await safetypin.withSession(signedIn.sessionToken, (tx) => tx.caller());
    expect(caller.sessionId).toBe(signedIn.sessionId);
    expect(inspect(signedIn)).toContain("[session token]");
  });

  it("answers the same to a wrong password and to an address nobody has", async () => {
    const { email } = await newPerson(database, "bob");
    const wrong = await refusal(safetypin.signIn({ email, password: newPassword() }));
    const nobody = await refusal(safetypin.signIn({ email: "nobody@example.com", password: newPassword() }));

    expect(wrong).toBeInstanceOf(AuthenticationError);
    expect(wrong.code).toBe("invalid_credentials");
    const { stack: _, ...shown } = wrong as AuthenticationError & Record<string, unknown>;
    expect(nobody).toMatchObject(shown);
  });

  it("throttles after failures in a row, also for an address nobody has", async () => {
    await database.admin.query("update password_policies set lockout_threshold = 3, lockout_base = '1 minute', lockout_limit = '1 minute' where organization_id is null",
    );
    const { email, password } = await newPerson(database, "cleo");
    for (const address of [email, "somebody.else@example.com"]) {
      for (let failures = 0; failures < 3; failures += 1) {
        await refusal(safetypin.signIn({ email: address, password: newPassword() }));
      }
      const error = await refusal(safetypin.signIn({ email: address, password }));
      expect(error.code).toBe("throttled");
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(error.remedy).toMatch(/^Try again in \d+ seconds$/);
    }
    await database.admin.query("update password_policies set lockout_threshold = 5 where organization_id is null");
  });

  it("charges an attempt once where many are made at once", async () => {
    const { email, userId } = await newPerson(database, "dora");
    await Promise.all(
      Array.from({ length: 4 }, () => refusal(safetypin.signIn({ email, password: newPassword() }))),
    );
    const { rows } = await database.admin.query("select failure_count from sign_in_throttles where user_id = $1", [
      userId,
    ]);
    expect(rows).toEqual([{ failure_count: 4 }]);
  });

  it("says that a hundred failures have disabled an account", async () => {
    const { email, password, userId } = await newPerson(database, "eve");
    await refusal(safetypin.signIn({ email, password: newPassword() }));
    await database.admin.query(
      "update sign_in_throttles set failure_count = 100, blocked_until = '-infinity' where user_id = $1",
      [userId],
    );

    expect((await refusal(safetypin.signIn({ email, password }))).code).toBe("account_disabled");
  });

  it("hands out a token to change a password that must be changed", async () => {
    const { email, password, userId } = await newPerson(database, "finn");
    await database.admin.query("update password_credentials set must_change = true where user_id = $1", [userId]);

    const error = await refusal(safetypin.signIn({ email, password }));
    expect(error.code).toBe("password_change_required");
    expect(error.changeToken).toBeInstanceOf(OneTimeToken);
    const replacement = newPassword();
    await safetypin.resetPassword(reveal(error.changeToken as OneTimeToken), replacement);

    expect((await safetypin.signIn({ email, password: replacement })).userId).toBe(userId);
  });

  it("hands out none for a password that others know", async () => {
    const { email, password, userId } = await newPerson(database, "gus");
    await database.pool("operator").query("select mark_password_compromised($1, 'in a list')", [userId]);

    const error = await refusal(safetypin.signIn({ email, password }));
    expect(error.code).toBe("password_compromised");
    expect(error.changeToken).toBeUndefined();
  });

  it("digests the password anew when the cost has risen, once", async () => {
    const { email, password, userId } = await newPerson(database, "gina");
    const cost = async () => {
      const { rows } = await database.admin.query(
        "select substr(salt, 5, 2) as cost from password_credentials where user_id = $1",
        [userId],
      );
      return rows;
    };
    await database.admin.query("update password_policies set bcrypt_cost = 13 where organization_id is null");
    try {
      expect(await cost()).toEqual([{ cost: "12" }]);
      await safetypin.signIn({ email, password });
      expect(await cost()).toEqual([{ cost: "13" }]);
      await safetypin.signIn({ email, password });
    } finally {
      await database.admin.query("update password_policies set bcrypt_cost = 12 where organization_id is null");
    }
    const { rows } = await database.admin.query(
      "select result from auth_audit_logs where event_type = 'password.rehashed' and user_id = $1",
      [userId],
    );
    expect(rows).toEqual([{ result: "success" }]);
    expect(log.filter(({ event }) => event === "password_not_rehashed")).toEqual([]);
  });

  it.each([
    ["a malformed address", { email: "ann" }, "email_malformed"],
    ["a password with a NUL", { password: "correct\0horse battery" }, "password_has_nul"],
    ["a password of ten thousand characters", { password: "x".repeat(10_000) }, "password_is_oversized"],
    ["a malformed organization", { organizationId: "acme" as OrganizationId }, "id_malformed"],
    ["a malformed address of the network", { ipAddress: "192.0.2.1:5432" }, "ip_address_malformed"],
  ])("refuses %s before an attempt is charged", async (_, changes, code) => {
    const attempts = () => database.admin.query("select count(*) from password_attempts");
    const before = (await attempts()).rows;
    const error = await refusal(
      safetypin.signIn({ email: "ann@example.com", password: "correct horse battery", ...changes }),
    );

    expect(error).toMatchObject({ code, remedy: error.remedy });
    expect((await attempts()).rows).toEqual(before);
  });

  it("charges nobody who is turned away because too many sign in at once", async () => {
    const { email, password, userId } = await newPerson(database, "busy");
    let free: () => void = () => undefined;
    const occupied = new Promise<void>((resolve) => (free = resolve));
    const occupying: Promise<void>[] = [];
    for (;;) {
      try {
        bcryptQueue.requireRoom();
      } catch {
        break;
      }
      occupying.push(bcryptQueue.run(() => occupied));
    }

    const error = await refusal(safetypin.signIn({ email, password }));
    free();
    await Promise.all(occupying);

    expect(error).toBeInstanceOf(AuthenticationBusyError);
    const { rowCount } = await database.admin.query("select from sign_in_throttles where user_id = $1", [userId]);
    expect(rowCount).toBe(0);
    expect((await safetypin.signIn({ email, password })).userId).toBe(userId);
  });

  it("enters no organization that the person does not belong to", async () => {
    const { email, password } = await newPerson(database, "hugo");
    const signedIn = await safetypin.signIn({ email, password, organizationId: newId() });

    expect(signedIn.organizationId).toBeNull();
  });
});

describe("signing out", () => {
  it("ends the session, and is as good twice", async () => {
    const { sessionToken } = await newPerson(database, "iris");
    await safetypin.signOut(sessionToken);
    await safetypin.signOut(sessionToken.reveal());

    expect((await refusal(safetypin.withSession(sessionToken, (tx) => tx.caller()))).code).toBe("session_invalid");
  });
});

describe("a new password", () => {
  it("is set by who knows the old one, and ends other sessions", async () => {
    const { email, password, sessionToken } = await newPerson(database, "jana");
    const other = await safetypin.signIn({ email, password });
    const replacement = newPassword();

    await safetypin.changePassword(sessionToken, { currentPassword: password, newPassword: replacement });

    expect((await safetypin.withSession(sessionToken, (tx) => tx.caller())).assuranceLevel).toBe(1);
    expect((await refusal(safetypin.withSession(other.sessionToken, (tx) => tx.caller()))).code).toBe("session_invalid");
    expect((await refusal(safetypin.signIn({ email, password }))).code).toBe("invalid_credentials");
    expect((await safetypin.signIn({ email, password: replacement })).sessionId).toBeDefined();
  });

  it("is not set by who does not, nor one used before, nor one that breaks a rule", async () => {
    const { email, password, sessionToken } = await newPerson(database, "karl");
    const change = (currentPassword: string, wanted: string) =>
      refusal(safetypin.changePassword(sessionToken, { currentPassword, newPassword: wanted }));

    expect((await change(newPassword(), newPassword())).code).toBe("invalid_credentials");
    expect((await change(password, password)).code).toBe("password_reused");
    expect((await change(password, "too short")).code).toBe("password_refused");
    expect((await safetypin.signIn({ email, password })).sessionId).toBeDefined();
  });

  it.each([
    ["with a NUL", "correct\0horse battery staple", "password_has_nul"],
    ["of ten thousand characters", "x".repeat(10_000), "password_is_oversized"],
    ["that is no text", undefined as unknown as string, "password_not_text"],
  ])("%s is refused before anything is asked", async (_, wanted, code) => {
    const { password, sessionToken, email } = await newPerson(database, "kira");
    const state = () => database.admin.query("select count(*) from password_attempts");
    const before = (await state()).rows;

    expect((await refusal(safetypin.changePassword(sessionToken, { currentPassword: password, newPassword: wanted }))).code).toBe(code);
    expect((await refusal(safetypin.changePassword(sessionToken, { currentPassword: wanted, newPassword: newPassword() }))).code).toBe(code);
    expect((await state()).rows).toEqual(before);
    expect((await safetypin.signIn({ email, password })).sessionId).toBeDefined();
  });

  it("is set with a token from the mailbox, which ends all sessions and opens none", async () => {
    const { email, password, sessionToken } = await newPerson(database, "lena");
    await safetypin.requestPasswordReset(email);
    const token = await readToken(database, email);
    const replacement = newPassword();

    expect((await refusal(safetypin.resetPassword(reveal(token), "too short"))).code).toBe("password_refused");
    expect((await refusal(safetypin.resetPassword(token, password))).code).toBe("password_reused");
    await safetypin.resetPassword(token, replacement);

    expect((await refusal(safetypin.resetPassword(token, newPassword()))).code).toBe("one_time_token_invalid");
    expect((await refusal(safetypin.withSession(sessionToken, (tx) => tx.caller()))).code).toBe("session_invalid");
    expect((await safetypin.signIn({ email, password: replacement })).sessionId).toBeDefined();
  });

  it("is not set for nobody: no message is sent, and a token that nobody was sent is none", async () => {
    expect(await safetypin.requestPasswordReset("nobody@example.com")).toBeUndefined();

    expect(await deliverMail(database)).toEqual([]);
    const token = OneTimeToken.of(tagOf(database.cell));
    expect((await refusal(safetypin.resetPassword(reveal(token), newPassword()))).code).toBe("one_time_token_invalid");
  });
});
