import type { Cell, Work, WorkOptions } from "./cell.js";
import { createCells } from "./cells.js";
import type { CellOptions, ConnectOptions } from "./connect-options.js";
import { requestEmailVerification, verifyEmail, type VerifiedEmail } from "./email-verification.js";
import type { MaintenanceWorker } from "./maintenance-worker.js";
import { DEFAULT_CELL, parseCellName, type CellName } from "./migrations/cell.js";
import { logToConsole, openCell, openWorker } from "./open-cell.js";
import type { Origin } from "./origin.js";
import { changePassword, type PasswordChange } from "./password-change.js";
import { requestPasswordReset, resetPassword } from "./password-reset.js";
import type { Password } from "./passwords.js";
import { refresh, type Refreshed } from "./refresh.js";
import { register, type Registration } from "./register.js";
import { signIn, signOut, type Credentials, type SignedIn } from "./sign-in.js";
import { SessionToken, type OneTimeToken, type RefreshToken } from "./tokens.js";

/** The client: the ways in, and work in the name of whoever came in. */
export interface SafetyPin {
  /** See {@link Registration}: registers somebody, to whom the {@link Mailer} writes. */
  register(registration: Registration): Promise<void>;

  /** Asks for another message to an address that is still to be verified. */
  requestEmailVerification(email: string, origin?: Origin): Promise<void>;

  /** Takes the token that was sent to an address. */
  verifyEmail(token: OneTimeToken | string, origin?: Origin): Promise<VerifiedEmail>;

  /** Signs somebody in with their password. */
  signIn(credentials: Credentials): Promise<SignedIn>;

  /** Exchanges a refresh token for the next tokens. */
  refresh(token: RefreshToken | string, origin?: Origin): Promise<Refreshed>;

  /** Ends a session. */
  signOut(token: SessionToken | string, origin?: Origin): Promise<void>;

  /** Changes the password of a session's holder. */
  changePassword(token: SessionToken | string, passwords: PasswordChange): Promise<void>;

  /** Asks for a message to somebody who forgot their password. */
  requestPasswordReset(email: string, origin?: Origin): Promise<void>;

  /** Sets a new password with such a token. */
  resetPassword(token: OneTimeToken | string, password: Password | string, origin?: Origin): Promise<void>;

  /**
   * Does work in the name of a session's holder, in one transaction, and returns what it
   * returns. What the work throws rolls everything back.
   *
   * The work is begun before the session is known to be good, and its first statement
   * travels with the check, in one round trip. If the session is not good, no statement
   * of it runs; what does not come of a statement has to wait for `tx.caller()`.
   *
   * What the database refuses because the caller may not is recorded, in a transaction of
   * its own.
   *
   * @throws {@link AuthenticationError} `token_malformed`, before anything is asked;
   * `session_invalid` when the session is unknown or over.
   * @throws whatever the work throws.
   */
  withSession<Result>(
    token: SessionToken | string,
    work: Work<Result>,
    options?: WorkOptions,
  ): Promise<Result>;

  /** Refuses new work, waits for what is under way, and closes all connections that are ours. */
  close(): Promise<void>;
}

/** The client of SafetyPin. */
export const SafetyPin = {
  /**
   * Connects to every cell's server once, and looks whether it can serve.
   *
   * @throws {@link ConfigurationError} with what is not as it has to be, and what mends it:
   * the address, the login, the cell, the server's version, TLS; in production also
   * whatever would let one organization see another's rows.
   */
  async connect(options: ConnectOptions): Promise<SafetyPin> {
    const { environment = "production", log = logToConsole, resolveCell } = options;
    const settings = { ...options, environment, log };
    const opened: Cell[] = [];
    const workers: MaintenanceWorker[] = [];
    const close = async () => {
      // All at once: from this moment on no cell takes new work.
      await Promise.all([
        ...opened.map((cell) => cell.close()),
        ...workers.map((worker) => worker.stop()),
      ]);
    };

    try {
      const wanted = listCells(options);
      for (const [name, source] of wanted) opened.push(await openCell(name, source, settings));
      const cells = createCells(opened, resolveCell);
      for (const [name, { maintenance }] of wanted) {
        const worker = openWorker(name, maintenance, settings);
        if (worker !== undefined) workers.push(worker);
      }

      return {
        register: (registration) => register(cells, options, registration),
        requestEmailVerification: (email, origin = {}) =>
          requestEmailVerification(cells, email, origin),
        verifyEmail: (token, origin = {}) => verifyEmail(cells, token, origin),
        signIn: (credentials) => signIn(cells, log, credentials),
        refresh: (token, origin = {}) => refresh(cells, token, origin),
        signOut: (token, origin = {}) => signOut(cells, token, origin),
        changePassword: (token, passwords) => changePassword(cells, options, token, passwords),
        requestPasswordReset: (email, origin = {}) => requestPasswordReset(cells, email, origin),
        resetPassword: (token, password, origin = {}) =>
          resetPassword(cells, options, token, password, origin),
        async withSession(text, work, workOptions) {
          const token = typeof text === "string" ? SessionToken.parse(text) : text;
          return cells.ofToken(token).withSession(token, work, workOptions);
        },
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

/** Every cell to serve, the one that is meant by default first. */
function listCells(options: ConnectOptions): [CellName, CellOptions][] {
  const { cell, cells = {}, connectionString, pool, credentials, maintenance } = options;
  const first: CellOptions = { connectionString, pool, credentials, maintenance };
  const more = Object.entries(cells).map(([name, own]): [CellName, CellOptions] => {
    const isElsewhere = own.connectionString !== undefined || own.pool !== undefined;
    return [parseCellName(name), isElsewhere ? own : { credentials, ...own, connectionString, pool }];
  });

  const isFirstMeant = cell !== undefined || connectionString !== undefined || pool !== undefined;
  if (more.length > 0 && !isFirstMeant) return more;
  return [[parseCellName(cell ?? DEFAULT_CELL), first], ...more];
}
