import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";

import { pgDump } from "@electric-sql/pglite-tools/pg_dump";

/** Which database to dump, over an unencrypted connection. */
export interface DumpSource {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | undefined;
  readonly database: string;
}

/** How long the server may think about one message. */
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * Runs the real pg_dump, version 18, against a running server: npm has it as
 * WebAssembly. Rows come as `insert` statements.
 *
 * @param args - as on pg_dump's command line, `--schema-only` for instance
 * @throws when pg_dump fails, with its code; its reason is on standard error.
 */
export async function dumpDatabase(source: DumpSource, args: readonly string[]): Promise<string> {
  const wire = openWire(source);
  try {
    const file = await pgDump({
      pg: wire.pglite as never,
      args: [...args, "--dbname", connectionString(source)],
    });
    return await file.text();
  } finally {
    await wire.close();
  }
}

function connectionString({ user, password, database }: DumpSource): string {
  const settings = { user, dbname: database, sslmode: "disable", password };
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}='${value?.replace(/['\\]/g, "\\$&")}'`)
    .join(" ");
}

/**
 * A PGlite, as far as pg_dump needs one: it writes bytes and wants the answer at
 * once. A socket answers later, so a second thread has it, and we wait for that
 * thread.
 */
function openWire({ host, port }: DumpSource) {
  const signal = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const { port1: here, port2: there } = new MessageChannel();
  const worker = new Worker(SOCKET_THREAD, {
    eval: true,
    workerData: { host, port, there, signal },
    transferList: [there],
  });
  // Told by the missing answer; unheard it would end us.
  worker.on("error", () => undefined);

  const exchange = (bytes: Buffer, expectsAnswer: boolean): Buffer => {
    Atomics.store(signal, 0, 0);
    here.postMessage({ bytes, expectsAnswer });
    Atomics.wait(signal, 0, 0, ANSWER_TIMEOUT_MS);
    const answer = receiveMessageOnPort(here) as { message: Uint8Array } | undefined;
    return Buffer.from(answer?.message ?? []);
  };

  let unsent = Buffer.alloc(0);
  let isStarted = false;

  const pglite = {
    query: async () => ({ rows: [{ search_path: "" }] }),
    exec: async () => [],
    execProtocolRawStream(
      bytes: Uint8Array,
      { onRawData }: { onRawData: (answer: Uint8Array) => void },
    ): void {
      unsent = Buffer.concat([unsent, bytes]);
      const { isWhole, expectsAnswer } = isStarted ? readMessages(unsent) : readStartup(unsent);
      if (!isWhole) return;

      isStarted = true;
      const answer = exchange(unsent, expectsAnswer);
      unsent = Buffer.alloc(0);
      if (answer.length > 0) onRawData(answer);
    },
  };

  const close = async () => {
    here.close();
    await worker.terminate();
  };
  return { pglite, close };
}

/** The first message of a connection has no type, only a length. */
function readStartup(bytes: Buffer): { isWhole: boolean; expectsAnswer: boolean } {
  return { isWhole: bytes.length >= 4 && bytes.length >= bytes.readInt32BE(0), expectsAnswer: true };
}

function readMessages(bytes: Buffer): { isWhole: boolean; expectsAnswer: boolean } {
  let at = 0;
  let expectsAnswer = false;
  while (at + 5 <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (end > bytes.length) break;
    // Query, Sync, a password, a call of a function: what the server answers.
    expectsAnswer ||= "QSpF".includes(String.fromCharCode(bytes[at] ?? 0));
    at = end;
  }
  return { isWhole: at === bytes.length, expectsAnswer };
}

/**
 * The thread with the socket; a text, because a worker has to be JavaScript also
 * where the rest is not compiled. It answers when the server has said all it has
 * to say: "ready for query", a question for a password, an error at the start.
 */
const SOCKET_THREAD = `
const { workerData } = require("node:worker_threads");
const { host, port, there, signal } = workerData;
const socket = require("node:net").connect(port, host);
let received = Buffer.alloc(0);
let isStarting = true;
let isWaiting = false;

socket.on("data", (bytes) => {
  received = Buffer.concat([received, bytes]);
  if (isWaiting && isComplete()) answer();
});
socket.on("error", () => undefined);
socket.on("close", () => isWaiting && answer());

there.on("message", ({ bytes, expectsAnswer }) => {
  isWaiting = expectsAnswer;
  socket.write(bytes);
  if (!expectsAnswer || socket.destroyed) answer();
});

function answer() {
  isWaiting = false;
  there.postMessage(received);
  received = Buffer.alloc(0);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

function isComplete() {
  for (let at = 0; at + 5 <= received.length; ) {
    const type = String.fromCharCode(received[at]);
    const end = at + 1 + received.readInt32BE(at + 1);
    if (end > received.length) return false;
    if (type === "E" && isStarting) return true;
    if (end === received.length) {
      if (type === "Z") return !(isStarting = false);
      return type === "R" && ![0, 12].includes(received.readInt32BE(at + 5));
    }
    at = end;
  }
  return false;
}
`;
