import type { SafetyPin } from "../src/safetypin.js";
import { tagOf } from "../src/tokens.js";
import { connectForTest, newPassword, newPerson, readToken, reveal, type Person } from "./support/client.js";
import { useDatabase, type TestCell } from "./support/database.js";
import { findUserId } from "./support/keys.js";

jest.setTimeout(60_000);

const database = useDatabase();
let other: TestCell;
let safetypin: SafetyPin;
let ann: Person;
let ben: Person;

beforeAll(async () => {
  other = await database.addCell();
  [ann, ben] = await Promise.all([newPerson(database, "ann"), newPerson(other, "ben")]);
  safetypin = await connectForTest(database, {
    cells: { [other.cell]: { connectionString: other.connectionString("app") } },
    resolveCell: ({ email }) => (email.endsWith("@other.example") || email === ben.email ? other.cell : undefined),
  });
}, 120_000);

afterAll(() => safetypin.close());

const whereAmI = (person: Person) =>
  safetypin.withSession(person.sessionToken, async (tx) => {
    const { rows } = await tx.query("select current_schema() as cell, current_user_id() as id");
    return rows[0];
  });

it("serves a session from the cell that its token names", async () => {
  expect(await whereAmI(ann)).toEqual({ cell: database.cell, id: ann.userId });
  expect(await whereAmI(ben)).toEqual({ cell: other.cell, id: ben.userId });
  expect(ben.sessionToken.cellTag).toBe(tagOf(other.cell));
});

it("does not know a session of one in the other, whatever tag its token carries", async () => {
  const forged = ann.sessionToken.reveal();
  const elsewhere = await connectForTest(other);
  try {
    await expect(elsewhere.withSession(forged, (tx) => tx.caller())).rejects.toMatchObject({
      code: "token_malformed",
      message: "The token is of a cell that is not served here",
    });
  } finally {
    await elsewhere.close();
  }

  // With the other cell's tag and a checksum to match, as a forger would write it.
  const { SessionToken, secretOf } = await import("../src/tokens.js");
  const retagged = SessionToken.of(tagOf(other.cell), secretOf(ann.sessionToken));
  await expect(safetypin.withSession(retagged, (tx) => tx.caller())).rejects.toMatchObject({
    code: "session_invalid",
  });
});

it("asks resolveCell where somebody lives before they sign in", async () => {
  const email = "cleo@other.example";
  const password = newPassword();
  await safetypin.register({ email, password, firstName: "Cleo", lastName: "Example" });
  const token = await readToken(other, email);
  expect(token.cellTag).toBe(tagOf(other.cell));
  await safetypin.verifyEmail(reveal(token));
  const signedIn = await safetypin.signIn({ email, password });

  expect(signedIn.sessionToken.cellTag).toBe(tagOf(other.cell));
  const next = await safetypin.refresh(signedIn.refreshToken);
  expect(next.sessionToken.cellTag).toBe(tagOf(other.cell));
  const found = (cell: TestCell) => findUserId(cell, email);
  expect([await found(database), await found(other)]).toEqual([null, signedIn.userId]);
});

it("names the cell that resolveCell invents", async () => {
  const client = await connectForTest(database, { resolveCell: () => "nowhere" });
  await expect(client.signIn({ email: ann.email, password: ann.password })).rejects.toMatchObject({
    name: "ConfigurationError",
    message: 'resolveCell names the cell "nowhere", which is not served here',
  });
  await client.close();
});

it("refuses a cell whose login is not let in, and closes what it had opened", async () => {
  await expect(
    connectForTest(database, { cells: { [other.cell]: {} } }),
  ).rejects.toThrow(`is not let into cell "${other.cell}"`);
});
