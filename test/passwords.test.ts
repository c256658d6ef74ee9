import { createHash, createHmac } from "node:crypto";
import { setImmediate as settled } from "node:timers/promises";
import { format, inspect } from "node:util";
import bcrypt from "bcrypt";
import { AuthenticationBusyError, createBcryptQueue } from "../src/bcrypt-queue.js";
import type { BreachedPasswordCheck } from "../src/breached-passwords.js";
import { ConfigurationError, RuleError, SafetyPinError } from "../src/errors.js";
import { blockedDigest } from "../src/password-blocklist.js";
import type { PasswordContext } from "../src/password-context.js";
import {
  createSalt,
  digestPassword,
  hashPassword,
  provePassword,
} from "../src/password-digests.js";
import {
  checkPassword,
  PasswordRefusedError,
  type PasswordRules,
  type PasswordSources,
} from "../src/password-rules.js";
import { MAXIMUM_PASSWORD_LENGTH, Password } from "../src/passwords.js";

const SALT = "$2a$12$abcdefghijklmnopqrstuu";

function refusal(text: unknown): unknown {
  try {
    return new Password(text as string);
  } catch (error) {
    return error;
  }
}

describe("a password", () => {
  const secret = "correct horse battery staple";

  function everyWayToPrint(value: object): string[] {
    return [
      inspect(value),
      inspect([value], { showHidden: true, depth: null, getters: true, customInspect: false }),
      JSON.stringify({ value }),
      `${value}`,
      String(value),
      format("%s %o %O %j", value, value, value, value),
      new Error(`it was ${value}`, { cause: value }).message,
      inspect(new Error("it failed", { cause: value })),
      Object.entries(value).join(),
      JSON.stringify(structuredClone({ ...value })),
    ];
  }

  it("shows nothing of itself, however it is printed", () => {
    class Talkative {
      constructor(readonly text: string) {}
    }
    const shownBy = (value: object) =>
      everyWayToPrint(value).filter((shown) => shown.includes("horse"));

    expect(shownBy(new Talkative(secret))).not.toEqual([]);
    expect(shownBy(new Password(secret))).toEqual([]);
  });

  it("shows nothing of itself in the errors it causes", () => {
    for (const text of [`${secret}\0`, `${secret}\ud800`, secret.repeat(500)]) {
      const error = refusal(text);

      expect(error).toBeInstanceOf(RuleError);
      expect(inspect(error)).not.toContain("horse");
    }
  });

  it("is refused by name when it could not be hashed as it was meant", () => {
    expect(refusal(undefined)).toMatchObject({ code: "password_not_text" });
    expect(refusal("nul\0inside")).toMatchObject({ code: "password_has_nul" });
    expect(refusal("half a \ud83d character")).toMatchObject({ code: "password_is_malformed" });
    expect(refusal("whole \u{1f40e} characters")).toBeInstanceOf(Password);
  });

  it("is refused when it is oversized, in code points", () => {
    expect(refusal("x".repeat(MAXIMUM_PASSWORD_LENGTH))).toBeInstanceOf(Password);
    expect(refusal("\u{1f40e}".repeat(MAXIMUM_PASSWORD_LENGTH))).toBeInstanceOf(Password);
    expect(refusal("x".repeat(MAXIMUM_PASSWORD_LENGTH + 1))).toMatchObject({
      code: "password_is_oversized",
    });
    expect(refusal("x".repeat(10_000))).toMatchObject({
      code: "password_is_oversized",
      message: "a password can have at most 4096 characters",
    });
    // One code point before it is composed, three after.
    expect(refusal("\ufb2c".repeat(MAXIMUM_PASSWORD_LENGTH))).toMatchObject({
      code: "password_is_oversized",
    });
  });
});

describe("digests", () => {
  const digest = (text: string, salt = SALT) => digestPassword(new Password(text), salt);

  it("are bcrypt of a keyed hash of the composed password, and never change", async () => {
    const prehash = createHmac("sha384", "safetypin password 1")
      .update("caf\u00e9")
      .digest("base64");

    expect(prehash).toHaveLength(64);
    expect(await digest("cafe\u0301")).toBe(await bcrypt.hash(prehash, SALT));
    expect(await digest("correct horse battery staple")).toBe(
      "$2a$12$abcdefghijklmnopqrstuuXxytZM3ml4cIrUhX.MkZ/PiAmI9VF/u",
    );
  });

  it("depend on what comes after bcrypt's 72 bytes", async () => {
    const same = "a".repeat(72);
    const plain = [await bcrypt.hash(`${same}1`, SALT), await bcrypt.hash(`${same}2`, SALT)];

    expect(plain[0]).toBe(plain[1]);
    expect(await digest(`${same}1`)).not.toBe(await digest(`${same}2`));
  });

  it("do not depend on how a character was composed, and do on everything else", async () => {
    const [composed, decomposed, capital, space] = await Promise.all(
      ["p\u00e4ssword", "pa\u0308ssword", "P\u00e4ssword", "p\u00e4ssword "].map(
        (text) => digest(text),
      ),
    );

    expect(decomposed).toBe(composed);
    expect(new Set([composed, capital, space]).size).toBe(3);
  });

  it("are made under a fresh $2a$ salt, never $2b$", async () => {
    const password = new Password("correct horse battery staple");
    const [one, other] = await Promise.all([
      hashPassword(password, { cost: 12 }),
      hashPassword(password, { cost: 12 }),
    ]);

    expect(await bcrypt.genSalt(12)).toMatch(/^\$2b\$/);
    expect(one).toMatch(/^\$2a\$12\$[./A-Za-z0-9]{53}$/);
    expect(other).not.toBe(one);
    expect(await digestPassword(password, one.slice(0, 29))).toBe(one);
    expect(await createSalt(13)).toMatch(/^\$2a\$13\$[./A-Za-z0-9]{22}$/);
  });

  it.each([11, 21, 12.5, Number.NaN])("are not made at a cost of %p", async (cost) => {
    const hashing = hashPassword(new Password("x"), { cost });

    await expect(hashing).rejects.toBeInstanceOf(ConfigurationError);
  });

  it.each([
    "$2b$12$abcdefghijklmnopqrstuu",
    "$2a$11$abcdefghijklmnopqrstuu",
    "$2a$31$abcdefghijklmnopqrstuu",
    "$2a$12$abcdefghijklmnopqrstu",
    "$2a$12$abcdefghijklmnopqrstuu0",
    "",
  ])("are not made under the salt %p", async (salt) => {
    await expect(digest("x", salt)).rejects.toThrow("the salt must be $2a$");
  });

  it("let other work run meanwhile", async () => {
    let turns = 0;
    let hashing = true;
    const count = () => {
      turns += 1;
      if (hashing) setImmediate(count);
    };
    setImmediate(count);

    await Promise.all([digest("one"), digest("two")]);
    hashing = false;

    expect(turns).toBeGreaterThan(10);
  });
});

describe("a proof", () => {
  const digest = `${SALT}1234567890123456789012345678901`;
  const attempt = "0190a5f0-7c1e-7abc-8def-0123456789ab";
  const nonce = Buffer.from("00ff10ef20df30cf40bf50af609f708f", "hex");

  it("is what pgcrypto's hmac() makes of the same digest, attempt and nonce", () => {
    // select encode(hmac(uuid_send(attempt) || nonce, convert_to(digest, 'UTF8'), 'sha256'), 'hex')
    expect(provePassword(digest, attempt, nonce).toString("hex")).toBe(
      "d0b1b1356173fc2417c1595a560ff0029b15bc92b75a6b1ec47ace756ac12447",
    );
    expect(provePassword(digest, attempt.toUpperCase(), nonce)).toEqual(
      provePassword(digest, attempt, nonce),
    );
  });

  it("is good for its digest, attempt and nonce only", () => {
    const proofs = [
      provePassword(digest, attempt, nonce),
      provePassword(`${digest.slice(0, -1)}2`, attempt, nonce),
      provePassword(digest, attempt.replace("0190", "0191"), nonce),
      provePassword(digest, attempt, Buffer.alloc(16)),
    ];

    expect(new Set(proofs.map((proof) => proof.toString("hex"))).size).toBe(4);
  });

  it("is not made for an attempt that has no UUID", () => {
    expect(() => provePassword(digest, "0190a5f0", nonce)).toThrow(SafetyPinError);
  });
});

describe("the queue in front of bcrypt", () => {
  function work() {
    const started: number[] = [];
    const finish: (() => void)[] = [];
    return {
      started,
      finish,
      at: (place: number) => () => {
        started.push(place);
        return new Promise<number>((resolve) => {
          finish[place] = () => resolve(place);
        });
      },
    };
  }

  it("runs so many at a time, lets so many wait, and refuses the rest at once", async () => {
    const queue = createBcryptQueue({ concurrency: 2, maximumWaiting: 3 });
    const { started, finish, at } = work();
    const admitted = [0, 1, 2, 3, 4].map((place) => queue.run(at(place)));

    await expect(queue.run(at(5))).rejects.toBeInstanceOf(AuthenticationBusyError);
    expect([queue.running, queue.waiting]).toEqual([2, 3]);
    expect(started).toEqual([0, 1]);

    finish[1]?.();
    await settled();
    expect(started).toEqual([0, 1, 2]);

    // There is room again, at the end.
    const last = queue.run(at(6));
    for (const place of [0, 2, 3, 4, 6]) {
      finish[place]?.();
      await settled();
    }

    expect(started).toEqual([0, 1, 2, 3, 4, 6]);
    expect(await Promise.all([...admitted, last])).toEqual([0, 1, 2, 3, 4, 6]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("goes on after work that failed", async () => {
    const queue = createBcryptQueue({ concurrency: 1, maximumWaiting: 2 });
    const answers = await Promise.allSettled([
      queue.run(() => Promise.reject(new Error("no"))),
      queue.run(() => Promise.resolve("yes")),
    ]);

    expect(answers.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("is what digests go through", async () => {
    const queue = createBcryptQueue({ concurrency: 1, maximumWaiting: 0 });
    const password = new Password("correct horse battery staple");
    const answers = await Promise.allSettled([
      digestPassword(password, SALT, queue),
      digestPassword(password, SALT, queue),
      hashPassword(password, { cost: 12, queue }),
    ]);

    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(answers.filter(({ status }) => status === "rejected")).toHaveLength(2);
    expect(await digestPassword(password, SALT, queue)).toMatch(/^\$2a\$/);
  });

  it.each([
    { concurrency: 0 },
    { concurrency: 1.5 },
    { maximumWaiting: -1 },
    { maximumWaiting: Number.POSITIVE_INFINITY },
  ])("is not made with %p", (options) => {
    expect(() => createBcryptQueue(options)).toThrow(ConfigurationError);
  });
});

describe("a new password", () => {
  const rules: PasswordRules = {
    minLength: 15,
    maxLength: 64,
    requireUppercase: false,
    requireLowercase: false,
    requireDigit: false,
    requireSymbol: false,
  };
  const nowhere = blocking();

  async function broken(
    text: string,
    changed: Partial<PasswordRules> = {},
    context: PasswordContext = {},
    sources: PasswordSources = nowhere,
  ): Promise<string[]> {
    const asked = { ...rules, ...changed };
    const found = await checkPassword(new Password(text), asked, context, sources);
    return found.map(({ code }) => code);
  }

  function blocking(...passwords: string[]): PasswordSources {
    return {
      blocklist: async (prefix) =>
        Buffer.concat(
          ["somebody else's", ...passwords]
            .map(blockedDigest)
            .filter((digest, place) => place === 0 || digest[0] === prefix)
            .map((digest) => digest.subarray(1))
            .sort(Buffer.compare),
        ),
    };
  }

  it("is as long as the policy asks, counted in code points", async () => {
    expect(await broken("a".repeat(14))).toEqual(["password_too_short"]);
    expect(await broken("a".repeat(15))).toEqual([]);
    expect(await broken("\u{1f40e}".repeat(14))).toEqual(["password_too_short"]);
    expect(await broken("\u{1f40e}".repeat(15))).toEqual([]);
    expect(await broken("e\u0301".repeat(14))).toEqual(["password_too_short"]);
    expect(await broken("\u{1f40e}".repeat(64))).toEqual([]);
    expect(await broken("\u{1f40e}".repeat(65))).toEqual(["password_too_long"]);
    expect(await broken("a".repeat(1000), { maxLength: 1000 })).toEqual([]);
    expect(await broken("a".repeat(7), { minLength: 8 })).toEqual(["password_too_short"]);
    expect(await broken("a".repeat(8), { minLength: 8 })).toEqual([]);
  });

  it("needs no mixture of characters unless the policy asks for one", async () => {
    expect(await broken("aaaa bbbb cccc dddd")).toEqual([]);
    expect(await broken(" ".repeat(15))).toEqual([]);
    expect(await broken("!".repeat(15))).toEqual([]);

    const uppercase = { requireUppercase: true };
    expect(await broken("\u00e9".repeat(15), uppercase)).toEqual(["password_needs_uppercase"]);
    expect(await broken("\u00c9".repeat(15), uppercase)).toEqual([]);

    const lowercase = { requireLowercase: true };
    expect(await broken("\u00c9".repeat(15), lowercase)).toEqual(["password_needs_lowercase"]);
    expect(await broken("\u00e9".repeat(15), lowercase)).toEqual([]);

    const digit = { requireDigit: true };
    expect(await broken("a".repeat(15), digit)).toEqual(["password_needs_digit"]);
    expect(await broken("\u0663".repeat(15), digit)).toEqual([]);

    const symbol = { requireSymbol: true };
    expect(await broken("a1".repeat(15), symbol)).toEqual(["password_needs_symbol"]);
    expect(await broken("a ".repeat(15), symbol)).toEqual([]);
  });

  it("is no derivative of what is known about its owner", async () => {
    const context: PasswordContext = {
      email: "anna.smith@mercy-clinic.example",
      names: ["Annabel", "Smith", null],
      organizationNames: ["Mercy Clinic", "mercy", null],
      serviceNames: ["Ward Book"],
    };
    const refused = [
      "AnnabelSmith1990!",
      "anna.smith.anna.smith",
      "\u00c4nnabel Smith 2024",
      "mercy-clinic-2024",
      "Mercy Clinic, Mercy!",
      "ward book ward book",
      "anna.smith@mercy-clinic.example",
    ];
    const accepted = [
      "my horse lives at mercy clinic",
      "smith sells sea shells",
      "correct horse battery staple",
      "123456789012345",
    ];

    for (const text of refused) {
      const codes = await broken(text, {}, context);
      expect([text, codes]).toEqual([text, ["password_is_made_of_context"]]);
      expect([text, await broken(text)]).toEqual([text, []]);
    }
    for (const text of accepted) {
      expect([text, await broken(text, {}, context)]).toEqual([text, []]);
    }
  });

  it("is not on the blocklist, in whatever case, and only as a whole", async () => {
    const sources = blocking("1q2w3e4r5t6y7u8i9o0p", "passwordpassword");

    expect(await broken("passwordpassword", {}, {}, sources)).toEqual(["password_is_common"]);
    expect(await broken("PasswordPASSWORD", {}, {}, sources)).toEqual(["password_is_common"]);
    expect(await broken("xpasswordpasswordy", {}, {}, sources)).toEqual([]);
    expect(await broken("password password", {}, {}, sources)).toEqual([]);
  });

  it("tells the blocklist one byte of its digest and nothing else", async () => {
    const asked: unknown[][] = [];
    await broken("passwordpassword", {}, {}, {
      blocklist: async (...told: unknown[]) => {
        asked.push(told);
        return Buffer.alloc(5);
      },
    });

    expect(asked).toEqual([[createHash("sha256").update("passwordpassword").digest()[0]]]);
  });

  it("is not known from a breach, where the application asks", async () => {
    const digest = createHash("sha1").update("passwordpassword").digest("hex");
    const asked: string[] = [];
    const breachedPasswords: BreachedPasswordCheck = {
      async listSuffixes(prefix) {
        asked.push(prefix);
        return ["0".repeat(35), digest.slice(5)];
      },
    };
    const sources = { ...nowhere, breachedPasswords };

    expect(await broken("passwordpassword", {}, {}, sources)).toEqual(["password_is_breached"]);
    expect(await broken("correct horse battery", {}, {}, sources)).toEqual([]);
    expect(asked[0]).toBe(digest.slice(0, 5).toUpperCase());
    expect(asked.every((prefix) => /^[0-9A-F]{5}$/.test(prefix))).toBe(true);
  });

  it("has not passed a list that could not be asked", async () => {
    const away = () => Promise.reject(new Error("away"));

    for (const sources of [
      { blocklist: away },
      { ...nowhere, breachedPasswords: { listSuffixes: away } },
    ]) {
      await expect(broken("correct horse battery", {}, {}, sources)).rejects.toThrow("away");
    }
  });

  it("holds no character whose composed form may still change", async () => {
    expect(await broken(`correct horse \u{e0080}`)).toEqual(["password_is_unstable"]);
    expect(await broken(`correct horse \u{1f40e}\u200d\ue000`)).toEqual([]);
  });

  it("is told every rule it breaks at once, in words that do not repeat it", async () => {
    const demanding = {
      requireUppercase: true,
      requireLowercase: true,
      requireDigit: true,
      requireSymbol: true,
    };
    const found = await checkPassword(
      new Password("smith"),
      { ...rules, ...demanding },
      { names: ["Smith"] },
      blocking("smith"),
    );
    const error = new PasswordRefusedError(found);

    expect(found.map(({ code }) => code)).toEqual([
      "password_too_short",
      "password_needs_uppercase",
      "password_needs_digit",
      "password_needs_symbol",
      "password_is_made_of_context",
      "password_is_common",
    ]);
    expect(error).toBeInstanceOf(RuleError);
    expect(error).toMatchObject({ code: "password_refused", broken: found });
    expect(error.message).toContain("use at least 15 characters; use at least one capital letter");
    expect(inspect(error).toLowerCase()).not.toContain("smith");
  });
});
