import { inspect } from "node:util";

import { parseEmail } from "../src/email.js";
import { PasswordRefusedError } from "../src/password-rules.js";
import type { Registration } from "../src/register.js";
import type { SafetyPin } from "../src/safetypin.js";
import { OneTimeToken, SessionToken, tagOf } from "../src/tokens.js";
import { connectForTest, deliverMail, newPassword, newPerson, readToken, reveal } from "./support/client.js";
import { useDatabase } from "./support/database.js";
import { findUserId } from "./support/keys.js";

jest.setTimeout(60_000);

const database = useDatabase();
let safetypin: SafetyPin;

beforeAll(async () => {
  safetypin = await connectForTest(database, { serviceNames: ["Clinic Planner"] });
});
afterAll(() => safetypin.close());

const somebody = (email: string, changes: Partial<Registration> = {}): Registration => ({
  email,
  password: newPassword(),
  firstName: "Ann",
  lastName: "Example",
  ...changes,
});

/** Everything that registering writes. */
async function written(): Promise<unknown> {
  const { rows } = await database.admin.query(
    `select
       (select count(*) from users) as users,
       (select count(*) from password_credentials) as credentials,
       (select count(*) from password_history) as history,
       (select count(*) from one_time_tokens) as tokens,
       (select count(*) from messages) as messages,
       (select count(*) from auth_audit_logs) as events`,
  );
  return rows;
}

describe("registering", () => {
  it("makes somebody who signs in once their address is verified", async () => {
    const password = newPassword();
    expect(await safetypin.register(somebody("ann@example.com", { password }))).toBeUndefined();
    const credentials = { email: "Ann@Example.com ", password };

    await expect(safetypin.signIn(credentials)).rejects.toMatchObject({ code: "invalid_credentials" });
    const token = await readToken(database, "ann@example.com");
    expect(await safetypin.verifyEmail(reveal(token))).toEqual({ isPasswordGood: true });
    expect((await safetypin.signIn(credentials)).sessionToken).toBeInstanceOf(SessionToken);
  });

  it("leaves no password to an address that two registered before its owner verified it", async () => {
    const email = "vic@example.com";
    const passwords = [newPassword(), newPassword()];
    for (const password of passwords) await safetypin.register(somebody(email, { password }));

    expect(await safetypin.verifyEmail(await readToken(database, email))).toEqual({ isPasswordGood: false });
    for (const password of passwords) {
      await expect(safetypin.signIn({ email, password })).rejects.toMatchObject({ code: "invalid_credentials" });
    }
    const password = newPassword();
    await safetypin.requestPasswordReset(email);
    await safetypin.resetPassword(await readToken(database, email), password);
    expect((await safetypin.signIn({ email, password })).sessionToken).toBeInstanceOf(SessionToken);
  });

  it.each([
    ["ANN@EXAMPLE.COM", "ann@example.com"],
    [" ann@Müller.example ", "ann@xn--mller-kva.example"],
    ["\u212Aate@example.com", "\u212Aate@example.com"],
    ["m\u0130ke@example.com", "m\u0130ke@example.com"],
    ["kate@\u212Aate.example", "kate@kate.example"],
  ])("takes %s for %s", (typed, address) => {
    expect(parseEmail(typed)).toBe(address);
  });

  it.each(["ann@exa%6dple.com", "ann@m\u00fc%6dple.com", "ann@-a.example", "ann@\u200b.example"])(
    "takes %s for no address",
    (typed) => {
      expect(() => parseEmail(typed)).toThrow(expect.objectContaining({ code: "email_malformed" }));
    },
  );

  it("answers the same for an address that has an account, whose owner alone is told", async () => {
    const { email, password } = await newPerson(database, "bob");

    expect(await safetypin.register(somebody(email.toUpperCase()))).toBeUndefined();

    expect(await deliverMail(database)).toMatchObject([
      { purpose: "already_registered", email, firstName: "Bob", token: null, expirationTime: null },
    ]);
    expect((await safetypin.signIn({ email, password })).organizationId).toBeNull();
  });

  it("names every rule that a password breaks, and writes nothing", async () => {
    const before = await written();
    const failure = await safetypin
      .register(somebody("cleo@example.com", { password: "clinic planner" }))
      .catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(PasswordRefusedError);
    expect((failure as PasswordRefusedError).broken.map(({ code }) => code)).toEqual([
      "password_too_short",
      "password_is_made_of_context",
    ]);
    expect(await written()).toEqual(before);
  });

  it("knows common passwords by their bucket, without telling which was asked for", async () => {
    await expect(
      safetypin.register(somebody("cleo@example.com", { password: "passwordpassword" })),
    ).rejects.toMatchObject({ broken: [{ code: "password_is_common" }] });
  });

  it.each<[string, Partial<Registration>, string]>([
    ["a malformed address", { email: "ann at example.com" }, "email_malformed"],
    ["an address with a NUL", { email: "ann\0@example.com" }, "email_malformed"],
    ["an address of ten thousand characters", { email: `${"a".repeat(10_000)}@example.com` }, "email_too_long"],
    ["no address", { email: undefined as unknown as string }, "email_malformed"],
    ["a password of ten thousand characters", { password: "x".repeat(10_000) }, "password_is_oversized"],
    ["a password with a NUL", { password: "correct horse\0battery staple" }, "password_has_nul"],
    ["no password", { password: undefined as unknown as string }, "password_not_text"],
    ["an empty name", { firstName: "" }, "first_name_malformed"],
    ["a name of a hundred and one characters", { lastName: "x".repeat(101) }, "last_name_malformed"],
    ["a name with a NUL", { lastName: "Ex\0ample" }, "text_malformed"],
    ["a malformed time zone", { timezone: "around here" }, "timezone_malformed"],
    ["a malformed locale", { locale: "English" }, "locale_malformed"],
    ["a malformed origin", { ipAddress: "localhost" }, "ip_address_malformed"],
  ])("refuses %s, and writes nothing", async (_, changes, code) => {
    const before = await written();
    const failure = await safetypin
      .register(somebody("dora@example.com", changes))
      .catch((error: unknown) => error);

    expect(failure).toMatchObject({ name: "RuleError", code });
    expect(inspect(failure)).not.toContain("correct horse");
    expect(await written()).toEqual(before);
  });

  it("judges by the new rules when they change meanwhile", async () => {
    // Nobody is in the middle of a registration by chance: the first to ask for the
    // blocklist's bucket changes the rules.
    let isChanged = false;
    const client = await connectForTest(database, {
      breachedPasswords: {
        async listSuffixes() {
          if (!isChanged) {
            isChanged = true;
            await database.admin.query(
              "update password_policies set max_length = 999 where organization_id is null",
            );
          }
          return [];
        },
      },
    });
    try {
      await client.register(somebody("eve@example.com"));
      await client.verifyEmail(await readToken(database, "eve@example.com"));
    } finally {
      await client.close();
    }
    expect(isChanged).toBe(true);
  });

  it("says where the request came from", async () => {
    await safetypin.register(somebody("finn@example.com", { ipAddress: "::ffff:192.0.2.9", userAgent: "Test\r\n/1" }));

    const { rows } = await database.admin.query(
      `select host(ip_address) as ip, user_agent from auth_audit_logs
       where user_id = $1 and event_type = 'user.registered'`,
      [await findUserId(database, "finn@example.com")],
    );
    expect(rows).toEqual([{ ip: "192.0.2.9", user_agent: "Test??/1" }]);
  });
});

describe("verifying an address", () => {
  it("takes each token once", async () => {
    await safetypin.register(somebody("gina@example.com"));
    const token = await readToken(database, "gina@example.com");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, () => safetypin.verifyEmail(reveal(token))),
    );

    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await expect(safetypin.verifyEmail(token)).rejects.toMatchObject({
      name: "AuthenticationError",
      code: "one_time_token_invalid",
    });
  });

  it("answers a request for another message the same, and sends it to whoever waits for it", async () => {
    await safetypin.register(somebody("hugo@example.com"));
    const first = await readToken(database, "hugo@example.com");
    // A minute passes.
    await database.admin.query("update messages set creation_time = creation_time - interval '1 minute'");
    for (const email of ["hugo@example.com", "ann@example.com", "nobody@example.com"]) {
      expect(await safetypin.requestEmailVerification(email)).toBeUndefined();
    }

    const sent = await deliverMail(database);
    expect(sent).toMatchObject([{ purpose: "verify_email", email: "hugo@example.com", attempt: 1 }]);
    await safetypin.verifyEmail(first);
    await expect(safetypin.verifyEmail(sent[0]?.token as OneTimeToken)).rejects.toMatchObject({
      code: "one_time_token_invalid",
    });
  });

  it("refuses a token of another kind, or of another cell", async () => {
    const tag = tagOf(database.cell);
    await expect(safetypin.verifyEmail(SessionToken.of(tag).reveal())).rejects.toMatchObject({
      code: "token_malformed",
      message: "This is a session token and no one-time token",
    });
    await expect(safetypin.verifyEmail(OneTimeToken.of("000000"))).rejects.toMatchObject({
      code: "token_malformed",
      message: "The token is of a cell that is not served here",
    });
  });
});
