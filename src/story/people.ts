import { randomBytes } from "node:crypto";

import type { OrganizationId, UserId } from "../ids.js";
import type { RefreshToken, SessionToken } from "../tokens.js";

/** Everybody's password, so that the reader can sign in as any of them. */
export const PASSWORD = "correct horse battery staple";

/** Somebody in the story. */
export interface Person {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
}

/** Somebody who is signed in, and where. */
export interface Actor extends Person {
  readonly userId: UserId;
  readonly sessionToken: SessionToken;
  readonly refreshToken: RefreshToken;
}

/** An organization of the story. */
export interface Place {
  readonly id: OrganizationId;
  readonly name: string;
}

/** Everybody the story needs, under addresses of their own for each telling: the data stay. */
export function castStory(): Readonly<Record<"ann" | "ben" | "zoe", Person>> {
  const telling = randomBytes(3).toString("hex");
  const person = (firstName: string, lastName: string): Person => ({
    firstName,
    lastName,
    email: `${firstName.toLowerCase()}.${telling}@example.com`,
  });
  return {
    ann: person("Ann", "Archer"),
    ben: person("Ben", "Baker"),
    zoe: person("Zoe", "Zander"),
  };
}
