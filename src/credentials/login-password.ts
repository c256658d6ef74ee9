import { inspect } from "node:util";

/**
 * The password of a database login, or a token in place of one. Logging it, inspecting it
 * or putting it into JSON shows nothing; {@link LoginPassword.forget} overwrites it.
 */
export class LoginPassword {
  readonly #bytes: Buffer;

  constructor(text: string | Buffer) {
    this.#bytes = Buffer.from(text);
  }

  /** The password's text, for the one who sends it. */
  reveal(): string {
    return this.#bytes.toString("utf8");
  }

  /** The same password, to be forgotten by itself. */
  copy(): LoginPassword {
    return new LoginPassword(this.#bytes);
  }

  /** Overwrites it with zeros. */
  forget(): void {
    this.#bytes.fill(0);
  }

  /** Shows nothing. */
  toString(): string {
    return "[login password]";
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
