import { randomBytes } from "node:crypto";

import type { ConnectOptions } from "../../src/connect-options.js";
import { SafetyPin } from "../../src/safetypin.js";
import type { SignedIn } from "../../src/sign-in.js";
import type { Token } from "../../src/tokens.js";
import type { TestCell } from "./database.js";
import { remember } from "./secrets.js";

/** Somebody who is signed in through a client. */
export interface Person extends SignedIn {
  readonly email: string;
  readonly password: string;
}

/** A client of a test's own cell, as its application would make it. Close it. */
export async function connectForTest(
  cell: TestCell,
  options: ConnectOptions = {},
): Promise<SafetyPin> {
  return SafetyPin.connect({
    environment: "test",
    cell: cell.cell,
    connectionString: cell.connectionString("app"),
    ...options,
  });
}

/** A password that no other test has. */
export function newPassword(): string {
  return remember(`${randomBytes(6).toString("hex")} horses in a row`);
}

/** Notes a token as a secret and returns its text. */
export function reveal(token: Token): string {
  const text = token.reveal();
  remember(Buffer.from(text.slice(11, 54), "base64url"));
  remember(text);
  return text;
}

/** Registers, verifies and signs in somebody of this name. */
export async function newPerson(safetypin: SafetyPin, name: string): Promise<Person> {
  const email = `${name}.${randomBytes(3).toString("hex")}@example.com`;
  const password = newPassword();
  const token = await safetypin.register({ email, password, firstName: name, lastName: "Example" });
  await safetypin.verifyEmail(reveal(token));

  const signedIn = await safetypin.signIn({ email, password });
  reveal(signedIn.sessionToken);
  reveal(signedIn.refreshToken);
  return { ...signedIn, email, password };
}
