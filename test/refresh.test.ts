import type { SafetyPin } from "../src/safetypin.js";
import { RefreshToken, tagOf, type SessionToken } from "../src/tokens.js";
import { connectForTest, newPerson, reveal, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";

const database = useDatabase();
let safetypin: SafetyPin;
let ann: Person;

beforeAll(async () => {
  safetypin = await connectForTest(database);
});
beforeEach(async () => {
  ann = await newPerson(database, "ann");
});
afterAll(() => safetypin.close());

const isGood = (token: SessionToken) =>
  safetypin.withSession(token, (tx) => tx.caller()).then(
    () => true,
    () => false,
  );

it("turns a refresh token into the next session token and the next refresh token", async () => {
  const next = await safetypin.refresh(reveal(ann.refreshToken));
  reveal(next.sessionToken);

  expect(next.sessionId).toBe(ann.sessionId);
  expect(next.expirationTime).toEqual(ann.expirationTime);
  expect([await isGood(ann.sessionToken), await isGood(next.sessionToken)]).toEqual([false, true]);
  const afterNext = await safetypin.refresh(reveal(next.refreshToken));
  expect(await isGood(afterNext.sessionToken)).toBe(true);
});

it("gives two tabs the same successor, and so whoever lost the answer", async () => {
  const tabs = await Promise.all([1, 2, 3].map(() => safetypin.refresh(ann.refreshToken)));
  const again = await safetypin.refresh(ann.refreshToken);

  const texts = [...tabs, again].map(({ sessionToken, refreshToken }) => [reveal(sessionToken), reveal(refreshToken)]);
  expect(new Set(texts.flat()).size).toBe(2);
  expect(await isGood(again.sessionToken)).toBe(true);
});

it("ends the session for everybody when a used token comes back late", async () => {
  const next = await safetypin.refresh(ann.refreshToken);
  await database.admin.query(
    "update refresh_tokens set used_time = used_time - interval '11 seconds' where session_id = $1 and is_used",
    [ann.sessionId],
  );

  await expect(safetypin.refresh(ann.refreshToken)).rejects.toMatchObject({
    name: "AuthenticationError",
    code: "session_stolen",
  });
  expect(await isGood(next.sessionToken)).toBe(false);
  await expect(safetypin.refresh(next.refreshToken)).rejects.toMatchObject({ code: "refresh_token_invalid" });
  const { rows } = await database.admin.query(
    "select alert_type from security_alerts where session_id = $1",
    [ann.sessionId],
  );
  expect(rows).toEqual([{ alert_type: "refresh_token_reused" }]);
});

it("refuses a token that nobody was given, and a text that is none", async () => {
  const stranger = RefreshToken.of(tagOf(database.cell));
  await expect(safetypin.refresh(stranger)).rejects.toMatchObject({ code: "refresh_token_invalid" });
  await expect(safetypin.refresh(`${reveal(ann.refreshToken)}x`)).rejects.toMatchObject({ code: "token_malformed" });
  await expect(safetypin.refresh(reveal(ann.sessionToken))).rejects.toMatchObject({
    message: "This is a session token and no refresh token",
  });
});
