import { createHash, randomBytes } from "node:crypto";
import { inspect } from "node:util";

import { AuthenticationError } from "./errors.js";

const SECRET_LENGTH = 32;

/** Prefix, the cell's tag, the secret, and a checksum. All of fixed length: `_` is a digit of base64url. */
const TOKEN = /^sp([sro])_([0-9a-f]{6})_([A-Za-z0-9_-]{43})_([0-9a-f]{6})$/;

const NAMES = { s: "session token", r: "refresh token", o: "one-time token" } as const;

type Letter = keyof typeof NAMES;

/**
 * The 32 bytes by which the database knows a token, for the files that call it.
 *
 * @internal not part of the package: nothing outside `src/` can import it.
 */
export let secretOf: (token: Token) => Buffer;

/**
 * Something whose possession proves something. 256 random bits, written as
 * `sps_3f9a1c_…_0d41e2`: a prefix that secret scanners know, the tag of the cell it is
 * good in, the bits, and a checksum, so that a token cut off on its way is refused
 * without asking the database.
 *
 * Logging it, inspecting it, putting it into a template or into JSON shows nothing;
 * only {@link Token.reveal} does.
 */
export abstract class Token {
  readonly #secret: Buffer;
  readonly #letter: Letter;

  /** Which cell it is good in: the first six digits of the SHA-256 of its name. */
  readonly cellTag: string;

  protected constructor(letter: Letter, cellTag: string, secret: Buffer) {
    this.#letter = letter;
    this.#secret = secret;
    this.cellTag = cellTag;
  }

  static {
    secretOf = (token) => token.#secret;
  }

  /** The token's text, for the cookie, the header or the message it goes into. */
  reveal(): string {
    const body = `sp${this.#letter}_${this.cellTag}_${this.#secret.toString("base64url")}`;
    return `${body}_${checksum(body)}`;
  }

  /** Shows nothing. */
  toString(): string {
    return `[${NAMES[this.#letter]}]`;
  }

  /** Shows nothing. */
  toJSON(): string {
    return this.toString();
  }

  /** Shows nothing. */
  [inspect.custom](): string {
    return this.toString();
  }
}

/** What a signed-in person's requests carry: good for one session, until it is refreshed. */
export class SessionToken extends Token {
  // Tells it from the other tokens, which have the same members.
  declare private readonly kind: "session";

  /** @throws {@link AuthenticationError} `token_malformed` when the text is no session token. */
  static parse(text: string): SessionToken {
    return new SessionToken("s", ...parse("s", text));
  }

  /** @internal */
  static of(cellTag: string, secret: Buffer = newSecret()): SessionToken {
    return new SessionToken("s", cellTag, secret);
  }
}

/** What renews a session's tokens: good once, then for its successor. */
export class RefreshToken extends Token {
  declare private readonly kind: "refresh";

  /** @throws {@link AuthenticationError} `token_malformed` when the text is no refresh token. */
  static parse(text: string): RefreshToken {
    return new RefreshToken("r", ...parse("r", text));
  }

  /** @internal */
  static of(cellTag: string, secret: Buffer = newSecret()): RefreshToken {
    return new RefreshToken("r", cellTag, secret);
  }
}

/** What is sent to somebody's address, good once: it proves that they read what is sent there. */
export class OneTimeToken extends Token {
  declare private readonly kind: "one-time";

  /** @throws {@link AuthenticationError} `token_malformed` when the text is no one-time token. */
  static parse(text: string): OneTimeToken {
    return new OneTimeToken("o", ...parse("o", text));
  }

  /** @internal */
  static of(cellTag: string, secret: Buffer = newSecret()): OneTimeToken {
    return new OneTimeToken("o", cellTag, secret);
  }
}

/** The SHA-256 of a token's 32 bytes: all of it that the database keeps. */
export function digestOf(token: Token): Buffer {
  return createHash("sha256").update(secretOf(token)).digest();
}

/** The tag that tokens of a cell carry. */
export function tagOf(cell: string): string {
  return createHash("sha256").update(cell).digest("hex").slice(0, 6);
}

function parse(letter: Letter, text: string): [cellTag: string, secret: Buffer] {
  const wanted = NAMES[letter];
  const [, found, cellTag, encoded, sum] = TOKEN.exec(String(text)) ?? [];
  if (found === undefined || cellTag === undefined || encoded === undefined) {
    throw malformed(`This is no ${wanted}: it has another form`, `Pass a ${wanted} whole, as it was given out: sp${letter}_…`);
  }
  if (sum !== checksum(text.slice(0, text.lastIndexOf("_")))) {
    throw malformed(`This is no ${wanted}: its checksum is not right`, "It was changed on its way: pass it as it was given out");
  }
  if (found !== letter) {
    throw malformed(`This is a ${NAMES[found as Letter]} and no ${wanted}`, `Pass the one that begins with sp${letter}_`);
  }
  return [cellTag, Buffer.from(encoded, "base64url")];
}

function malformed(sentence: string, remedy: string): AuthenticationError {
  return new AuthenticationError("token_malformed", sentence, { remedy });
}

function checksum(body: string): string {
  return createHash("sha256").update(body).digest("hex").slice(0, 6);
}

function newSecret(): Buffer {
  return randomBytes(SECRET_LENGTH);
}
