import type { Cell } from "./cell.js";
import type { MessageId } from "./ids.js";
import { finishMessage, takeMessages as take } from "./queries/messages.js";
import { OneTimeToken } from "./tokens.js";

/** Whom a message is for. */
interface Recipient {
  readonly id: MessageId;

  /** Which attempt to send it this is: 1, unless it was taken before. */
  readonly attempt: number;

  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;

  /** A BCP 47 language tag: what to write in. */
  readonly locale: string;

  /** An IANA time zone name: what to say times in. */
  readonly timezone: string;
}

/** A message with a token in it, which `verifyEmail` or `resetPassword` takes. */
export interface TokenMessage extends Recipient {
  readonly purpose: "verify_email" | "reset_password";

  /** Its text is `token.reveal()`. It was made for this message, and stands nowhere else. */
  readonly token: OneTimeToken;

  /** Until when the token is good. */
  readonly expirationTime: Date;
}

/**
 * Tells the owner of an address that somebody registered it again: they may sign in, or
 * reset their password. There is nothing to click on.
 */
export interface AlreadyRegisteredMessage extends Recipient {
  readonly purpose: "already_registered";
  readonly token: null;
  readonly expirationTime: null;
}

/** What is to be sent to somebody, and to nobody else. */
export type Message = TokenMessage | AlreadyRegisteredMessage;

/** What became of a message: `waiting` is tried again later, `failed` is not. */
export type MessageStatus = "delivered" | "waiting" | "superseded" | "failed" | "unknown";

/** How many to take, and for how long. */
export interface TakeOptions {
  readonly limit: number;
  readonly leaseMs: number;
}

/** Takes what is due, to be sent before the lease ends. */
export async function takeMessages(cell: Cell, { limit, leaseMs }: TakeOptions): Promise<Message[]> {
  const rows = await cell.withNobody(async (tx) => {
    await tx.unlock();
    return take.run({ limit, leaseS: leaseMs / 1_000 }, tx);
  });
  return rows.map(
    ({ token, ...message }) =>
      ({ ...message, token: token === null ? null : OneTimeToken.of(cell.tag, token) }) as Message,
  );
}

/** Says how sending one went: `null`, or what kept it. Said twice it is as good as once. */
export async function finish(cell: Cell, { id, attempt }: Message, problem: string | null): Promise<MessageStatus> {
  const finished = { messageId: id, attempt, isDelivered: problem === null, problem };
  const [row] = await cell.withNobody((tx) => finishMessage.run(finished, tx), { idempotent: true });
  return row?.status as MessageStatus;
}
