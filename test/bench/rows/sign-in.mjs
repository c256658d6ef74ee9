import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";

import bcrypt from "bcrypt";

import { SafetyPin } from "../../../dist/index.js";
import { PASSWORD, PASSWORD_USERS } from "../database.mjs";
import { compareDuration, compareThroughput, eventLoopDelay, timed } from "../measure.mjs";

const SALT = PASSWORD.digest.slice(0, 29);

async function connect(database) {
  return SafetyPin.connect({ connectionString: database.appUrl, environment: "test" });
}

/** Password sign-in, end to end, against the digest that no sign-in can do without. */
export const signIn = {
  name: "sign-in",
  title: "password sign-in, end to end",
  floorTitle: "bcrypt alone, on the same cores",
  reach: 0.95,
  async measure(database, { pairs }) {
    const safetypin = await connect(database);
    let user = 0;
    const enter = () =>
      safetypin.signIn({
        email: `user${1 + ((user += 1) % (PASSWORD_USERS / 2))}@example.com`,
        password: PASSWORD.text,
      });
    try {
      const clients = availableParallelism();
      let result;
      const delay = await eventLoopDelay(async () => {
        result = await compareThroughput({
          clients,
          pairs,
          roundMs: 1500,
          subject: enter,
          floor: () => bcrypt.hash(PASSWORD.text, SALT),
        });
      });
      return { ...result, note: `event loop late by ${delay.toFixed(1)} ms at the 99th percentile (reach: 20)`, eventLoopDelayMs: delay };
    } finally {
      await safetypin.close();
    }
  },
};

/** Does it take the same time to refuse an address nobody has? */
export const unknownUser = {
  name: "unknown-user",
  title: "refusing an unknown address",
  floorTitle: "refusing a wrong password",
  reach: 0.95,
  most: 1.05,
  async measure(database, { pairs }) {
    const safetypin = await connect(database);
    const refused = (email) =>
      timed(() =>
        safetypin.signIn({ email, password: "not the password at all" }).then(
          () => Promise.reject(new Error(`${email} got in`)),
          (error) => {
            if (error.code !== "invalid_credentials") throw error;
          },
        ),
      );
    // The other half of those with a password, each once: nobody is throttled.
    let user = PASSWORD_USERS / 2;
    try {
      return await compareDuration({
        pairs: Math.min(PASSWORD_USERS / 2 - 1, pairs * 4),
        subject: () => refused(`${randomUUID()}@example.com`),
        floor: () => refused(`user${(user += 1)}@example.com`),
      });
    } finally {
      await safetypin.close();
    }
  },
};
