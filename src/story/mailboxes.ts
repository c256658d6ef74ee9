import { deliverMessages, type Message } from "../index.js";
import { insist } from "./narrator.js";
import { CELL } from "./stage.js";

/** Where the story's people read their mail. */
export interface Mailboxes {
  /** Lets the mailer send what is to be sent, and takes the last message out of somebody's mailbox. */
  read(email: string): Promise<Message>;
}

/** Mailboxes that the cell's mailer, with the login that is its own, puts messages into. */
export function openMailboxes(connectionString: string): Mailboxes {
  const messages = new Map<string, Message>();
  return {
    async read(email) {
      await deliverMessages({
        connectionString,
        cell: CELL,
        environment: "development",
        send: async (message) => {
          messages.set(message.email, message);
        },
      });
      const message = messages.get(email);
      insist(message !== undefined, `${email} got a message`);
      messages.delete(email);
      return message;
    },
  };
}
