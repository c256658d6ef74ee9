import "./resolve-sources.cjs";

import { basename, relative } from "node:path";

import { createEmptyTestResult, type AssertionResult, type TestResult } from "@jest/test-result";
import {
  CallbackTestRunner,
  type OnTestFailure,
  type OnTestStart,
  type OnTestSuccess,
  type Test,
  type TestWatcher,
} from "jest-runner";

import { runTapFile, type Assertion, type TapReport } from "./pgtap.js";
import { currentRun } from "./run.js";
import { connect, copyDatabase, ensureTemplate, TEST_CELL, withDatabase } from "./template.js";

/**
 * Runs pgTAP files under jest, several at a time, each worker in a database of its
 * own. No psql: a file is one simple query, and its output is read as TAP.
 */
export default class PgTapRunner extends CallbackTestRunner {
  async runTests(
    tests: Test[],
    watcher: TestWatcher,
    onStart: OnTestStart,
    onResult: OnTestSuccess,
    onFailure: OnTestFailure,
  ): Promise<void> {
    const queue = [...tests];
    const fail = (test: Test, error: unknown) => {
      const { message, stack } = error as Error;
      return onFailure(test, { message, stack, type: "Error" });
    };

    const work = async (worker: number) => {
      const url = await copyTemplate(worker);
      for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
        if (watcher.isInterrupted()) return;
        await onStart(test);
        try {
          await onResult(test, await runTest(test, url));
        } catch (error) {
          await fail(test, error);
        }
      }
    };

    const count = Math.min(this._globalConfig.maxWorkers, tests.length);
    try {
      await Promise.all(Array.from({ length: count }, (_, worker) => work(worker)));
    } catch (error) {
      for (const test of queue.splice(0)) await fail(test, error);
    }
  }
}

/** A file may end its own connection, or leave settings behind: each gets a new one. */
async function runTest(test: Test, url: string): Promise<TestResult> {
  const start = Date.now();
  const client = await connect(url);
  try {
    return toResult(test, start, await runTapFile(client, test.path));
  } finally {
    await client.end();
  }
}

/** A database for one worker; returns how its tests connect. */
async function copyTemplate(worker: number): Promise<string> {
  const run = currentRun();
  const template = await ensureTemplate(run, "pgtap");
  const name = `safetypin_test_${run.id}_tap_${worker}`;
  const admin = await connect(run.adminUrl);
  try {
    await copyDatabase(admin, template, name);
  } finally {
    await admin.end();
  }

  const url = new URL(withDatabase(run.adminUrl, name));
  url.searchParams.set(
    "options",
    `-c search_path=${TEST_CELL},extensions,tap -c client_min_messages=warning -c statement_timeout=60s`,
  );
  return url.href;
}

function toResult(test: Test, start: number, report: TapReport): TestResult {
  const results = report.assertions.map((assertion) => toAssertion(test.path, assertion));
  if (report.failure !== undefined) results.push(failed(test.path, "runs to its end", report.failure));
  const count = (status: AssertionResult["status"]) =>
    results.filter((result) => result.status === status).length;
  const failures = results.filter((result) => result.status === "failed");
  const end = Date.now();

  return {
    ...createEmptyTestResult(),
    testFilePath: test.path,
    ...(test.context.config.displayName === undefined
      ? {}
      : { displayName: test.context.config.displayName }),
    testResults: results,
    numPassingTests: count("passed"),
    numFailingTests: failures.length,
    numPendingTests: count("pending"),
    numTodoTests: count("todo"),
    skipped: report.planned === 0,
    perfStats: {
      ...createEmptyTestResult().perfStats,
      start,
      end,
      runtime: end - start,
      slow: end - start > test.context.config.slowTestThreshold * 1000,
    },
    failureMessage:
      failures.length === 0
        ? null
        : failures
            .map(({ fullName, failureMessages }) => {
              const indented = failureMessages.join("\n").replaceAll("\n", "\n    ");
              return `  ● ${fullName}\n\n    ${indented}\n`;
            })
            .join("\n"),
  };
}

function toAssertion(path: string, assertion: Assertion): AssertionResult {
  const { description, directive, diagnostics, isOk, number } = assertion;
  const title = description === "" ? `assertion ${number}` : description;
  if (!isOk && directive !== "todo") return failed(path, title, diagnostics.join("\n") || "not ok");
  const status = directive === "todo" ? "todo" : directive === "skip" ? "pending" : "passed";
  return { ...failed(path, title, ""), status, failureMessages: [], numPassingAsserts: 1 };
}

function failed(path: string, title: string, message: string): AssertionResult {
  const file = relative("test-sql", path);
  return {
    ancestorTitles: [file],
    title,
    fullName: `${basename(path)}: ${title}`,
    status: "failed",
    failureMessages: [message],
    failureDetails: [],
    numPassingAsserts: 0,
    duration: null,
    invocations: 1,
  };
}
