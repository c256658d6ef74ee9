import { randomBytes } from "node:crypto";

import { AuthenticationError, NotFoundError, RuleError, SafetyPinError } from "../src/errors.js";
import { newId } from "../src/ids.js";
import { findOwnUser } from "../src/queries/users.js";
import { createOrganization } from "../src/queries/organizations.js";
import { setMemberRole } from "../src/queries/organization_users.js";
import type { LogEntry, QueryReport } from "../src/query-report.js";
import { SafetyPin } from "../src/safetypin.js";
import type { SessionToken } from "../src/tokens.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";

const database = useDatabase();
const log: LogEntry[] = [];
const reports: QueryReport[] = [];
let safetypin: SafetyPin;
let ann: Person;

beforeAll(async () => {
  safetypin = await connectForTest(database, {
    log: (entry) => log.push(entry),
    onQuery: (report) => reports.push(report),
  });
  ann = await newPerson(safetypin, "ann");
});
afterAll(() => safetypin.close());

it("runs work as the holder of the session", async () => {
  const email = await safetypin.withSession(ann.sessionToken, async (tx) => {
    const [user] = await findOwnUser.run(undefined, tx);
    return user?.email;
  });

  expect(email).toBe(ann.email);
});
