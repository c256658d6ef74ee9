import { inspect, format } from "node:util";

import { AuthenticationError } from "../src/errors.js";
import { digestOf, OneTimeToken, RefreshToken, secretOf, SessionToken, tagOf } from "../src/tokens.js";
import { reveal } from "./support/client.js";
import { sha256 } from "./support/actors.js";

const TAG = tagOf("safetypin");
const token = SessionToken.of(TAG);
const text = reveal(token);

function refusal(parse: (text: string) => unknown, given: unknown): AuthenticationError {
  try {
    parse(given as string);
  } catch (error) {
    return error as AuthenticationError;
  }
  throw new Error("it was taken");
}

it("is written with a prefix, the cell's tag, and a checksum", () => {
  expect(text).toMatch(/^sps_[0-9a-f]{6}_[A-Za-z0-9_-]{43}_[0-9a-f]{6}$/);
  expect(reveal(RefreshToken.of(TAG))).toMatch(/^spr_/);
  expect(reveal(OneTimeToken.of(TAG))).toMatch(/^spo_/);
  expect(token.cellTag).toBe(sha256("safetypin").toString("hex").slice(0, 6));
});

it("is the same token once it was read again", () => {
  const again = SessionToken.parse(text);

  expect(again.reveal()).toBe(text);
  expect(secretOf(again)).toEqual(secretOf(token));
  expect(digestOf(again)).toEqual(sha256(secretOf(token)));
  expect(again.cellTag).toBe(TAG);
});

it("survives an underscore among its digits", () => {
  const secret = Buffer.alloc(32, 0xff);
  const underscored = SessionToken.of(TAG, secret).reveal();

  expect(underscored).toContain("____");
  expect(secretOf(SessionToken.parse(underscored))).toEqual(secret);
});

it.each([
  ["nothing", ""],
  ["another text", "let me in"],
  ["one that was cut off", text.slice(0, -1)],
  ["one with a character more", `${text}0`],
  ["one with a NUL", `${text.slice(0, 20)}\0${text.slice(21)}`],
  ["ten thousand characters", text.repeat(150)],
  ["no text at all", undefined],
  ["one of another kind", reveal(RefreshToken.of(TAG))],
])("refuses %s, saying what to pass", (_, given) => {
  const error = refusal(SessionToken.parse, given);

  expect(error).toBeInstanceOf(AuthenticationError);
  expect(error.code).toBe("token_malformed");
  expect(error.message).toContain("no session token");
  expect(error.remedy).toContain("Pass");
});

it("notices every single changed character", () => {
  const changed = [...text].map((character, index) => {
    const other = character === "a" ? "b" : "a";
    return text.slice(0, index) + other + text.slice(index + 1);
  });

  const taken = changed.filter((candidate) => {
    try {
      SessionToken.parse(candidate);
      return true;
    } catch {
      return false;
    }
  });
  expect(taken).toEqual([]);
});

it("does not quote in its refusal what was refused", () => {
  const error = refusal(SessionToken.parse, `${text}0`);

  expect(inspect(error)).not.toContain(text.slice(11, 54));
});

it("shows nothing of itself, however it is printed", () => {
  const everyWayToPrint = (value: object) => [
    inspect(value),
    inspect([value], { showHidden: true, depth: null, getters: true, customInspect: false }),
    JSON.stringify({ value }),
    `${String(value)}`,
    format("%s %o %O %j", value, value, value, value),
    inspect(new AuthenticationError("password_change_required", "x", { changeToken: OneTimeToken.of(TAG) })),
    Object.entries(value).join(),
  ];
  class Talkative {
    constructor(readonly secret: string) {}
  }
  const shownBy = (value: object, secret: string) =>
    everyWayToPrint(value).filter((shown) => shown.includes(secret));

  const secret = text.slice(11, 54);
  expect(shownBy(new Talkative(secret), secret)).not.toEqual([]);
  expect(shownBy(token, secret)).toEqual([]);
  expect(shownBy(token, secretOf(token).toString("hex"))).toEqual([]);
  expect(inspect(token)).toBe("[session token]");
});
