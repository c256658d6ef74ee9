/** What every test of one run shares: the server, and the names that are this run's. */
export interface TestRun {
  /** Tells this run's databases from those of another run on the same server. */
  readonly id: string;

  /** A superuser's way into the server. */
  readonly adminUrl: string;

  /** The server's log, where we can read it. */
  readonly logFile: string | undefined;

  /** Whether the server was started for this run. */
  readonly isOurs: boolean;
}

const VARIABLE = "SAFETYPIN_TEST_RUN";

/** Hands the run to the processes that jest starts. */
export function publishRun(run: TestRun): void {
  process.env[VARIABLE] = JSON.stringify(run);
}

/** The run this test belongs to. */
export function currentRun(): TestRun {
  const published = process.env[VARIABLE];
  if (published === undefined) throw new Error("There is no test run: start tests with jest");
  return JSON.parse(published) as TestRun;
}
