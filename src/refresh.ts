import type { Cells } from "./cells.js";
import { AuthenticationError } from "./errors.js";
import type { SessionId } from "./ids.js";
import { readIpAddress, readUserAgent, type Origin } from "./origin.js";
import { refreshSession } from "./queries/sessions.js";
import { RefreshToken, secretOf, SessionToken } from "./tokens.js";

/** A session that goes on under new tokens; the old ones are worth nothing. */
export interface Refreshed {
  readonly sessionToken: SessionToken;
  readonly refreshToken: RefreshToken;
  readonly sessionId: SessionId;

  /** When the session ends at the latest: refreshing does not move it. */
  readonly expirationTime: Date;
}

/**
 * Exchanges a refresh token for the next session token and the next refresh token.
 *
 * Two tabs that do so within ten seconds get the same, and so does whoever asks again
 * because the answer was lost: so it is tried again here when the connection is.
 *
 * @throws {@link AuthenticationError} `refresh_token_invalid` when the token is unknown or
 * the session is over; `session_stolen` when it was used before: somebody has a copy, the
 * session is over for both, and an alert is open.
 */
export async function refresh(
  cells: Cells,
  text: RefreshToken | string,
  origin: Origin,
): Promise<Refreshed> {
  const token = typeof text === "string" ? RefreshToken.parse(text) : text;
  const cell = cells.ofToken(token);
  const [row] = await cell.withNobody(
    (tx) =>
      refreshSession.run(
        {
          refreshToken: secretOf(token),
          ipAddress: readIpAddress(origin),
          userAgent: readUserAgent(origin),
        },
        tx,
      ),
    { idempotent: true },
  );

  if (row?.status === "reused") {
    throw new AuthenticationError("session_stolen", "The refresh token was used before", {
      remedy: "Sign in again: the session is over, since one of the two was not its owner",
    });
  }
  if (row?.status !== "refreshed") {
    throw new AuthenticationError("refresh_token_invalid", "The session is over", {
      remedy: "Sign in again",
    });
  }
  return {
    sessionToken: SessionToken.of(cell.tag, row.sessionToken as Buffer),
    refreshToken: RefreshToken.of(cell.tag, row.refreshToken as Buffer),
    sessionId: row.sessionId as SessionId,
    expirationTime: row.expirationTime as Date,
  };
}
