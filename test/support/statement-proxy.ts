import { createServer, connect as connectTo, type AddressInfo, type Socket } from "node:net";

import { parseStatements } from "../../src/migrations/statements.js";

/** How long a backend sleeps where it is to be found in the middle of a file. */
const SLEEP = "select pg_sleep(3600);";

/** A server asks every second whether its client is still there. Where clients die all the time, it asks more often. */
const ASK_EVERY = { second: "client_connection_check_interval = '1s'", moment: "client_connection_check_interval = '10ms'" };

/** A moment at which somebody may die. */
export interface Moment {
  /** Counted from 0, the same in every run of the same work. */
  readonly index: number;

  /**
   * `before`: the server has not seen the statement. `within`: it has done some of
   * a file's statements, and not the next. `after`: it is done and has not said so.
   */
  readonly when: "before" | "within" | "after";

  /** The statement, or the one before the moment. */
  readonly statement: string;
}

/** What to do at each moment: go on, or stop there for good. */
export type AtMoment = (moment: Moment) => "go on" | "stop";

/** A way to the server that can be stopped at every statement. */
export interface StatementProxy {
  readonly url: string;

  /** Resolves once it was stopped, and the server is where it was to be stopped. */
  readonly stopped: Promise<Moment>;

  /** Every moment there was. */
  readonly moments: readonly Moment[];

  /** Lets go of both ends. */
  close(): Promise<void>;
}

/**
 * Stands between one client and the server, reads what they say to each other, and
 * asks at every statement whether to go on. Of a file with many statements that is
 * sent as one, it stops in the middle by letting the server sleep there.
 */
export async function startStatementProxy(target: string, atMoment: AtMoment): Promise<StatementProxy> {
  const { hostname, port } = new URL(target);
  const moments: Moment[] = [];
  const sockets = new Set<Socket>();
  let stop: (moment: Moment) => void = () => undefined;
  const stopped = new Promise<Moment>((resolve) => (stop = resolve));

  const ask = (when: Moment["when"], statement: string): boolean => {
    const moment = { index: moments.length, when, statement: firstLine(statement) };
    moments.push(moment);
    if (atMoment(moment) === "go on") return true;
    stop(moment);
    return false;
  };

  const server = createServer((client) => {
    const backend = connectTo(Number(port), hostname);
    for (const socket of [client, backend]) {
      sockets.add(socket);
      // Small messages one by one: TCP would wait for more of them.
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("close", () => backend.destroy());
    backend.on("close", () => client.destroy());

    let isReady = false;
    let running: string | undefined;

    readMessages(client, true, async (message) => {
      // Whoever asks for TLS first, as the command does, is told that there is none here.
      if (isTlsRequest(message)) return void client.write("N");
      const text = textOf(message);
      if (!isReady || text === undefined) return void backend.write(message);

      if (!ask("before", text)) return false;
      running = text;
      const hastened = text.replace(ASK_EVERY.second, ASK_EVERY.moment);
      const told = isSimple(message) ? ((await sleepWithin(text, ask)) ?? hastened) : text;
      backend.write(told === text ? message : simpleQuery(told));
      return undefined;
    });

    readMessages(backend, false, async (message) => {
      if (message[0] !== "Z".charCodeAt(0)) return void client.write(message);

      isReady = true;
      if (running !== undefined && !ask("after", running)) return false;
      running = undefined;
      client.write(message);
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    stopped,
    moments,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Asks at each boundary within a file; the file with a sleep at the one where it stops. */
async function sleepWithin(
  text: string,
  ask: (when: Moment["when"], statement: string) => boolean,
): Promise<string | undefined> {
  const statements = await parseStatements("sent", text);
  for (const [place, { sql }] of statements.entries()) {
    const next = statements[place + 1];
    if (next === undefined) return undefined;
    if (!ask("within", sql)) {
      const from = text.indexOf(next.sql, text.indexOf(sql) + sql.length);
      return `${text.slice(0, from)}${SLEEP}\n${text.slice(from)}`;
    }
  }
  return undefined;
}

/** Calls back with each whole message, one after another; false ends the reading. */
function readMessages(
  socket: Socket,
  isFrontend: boolean,
  onMessage: (message: Buffer) => Promise<false | undefined>,
): void {
  let received = Buffer.alloc(0);
  let isStarted = !isFrontend;
  let isOver = false;
  let turn = Promise.resolve();

  const take = (): Buffer | undefined => {
    // The first message of a client has a length and no type.
    const head = isStarted ? 1 : 0;
    if (received.length < head + 4) return undefined;
    const length = head + received.readInt32BE(head);
    if (received.length < length) return undefined;
    const message = received.subarray(0, length);
    received = received.subarray(length);
    isStarted ||= !isTlsRequest(message);
    return message;
  };

  socket.on("data", (data) => {
    received = Buffer.concat([received, data]);
    turn = turn.then(async () => {
      for (let message = take(); message !== undefined && !isOver; message = take()) {
        isOver = (await onMessage(message)) === false;
      }
    });
  });
}

/** The code that stands in place of a protocol's version. */
const TLS_REQUEST = 80_877_103;

function isTlsRequest(message: Buffer): boolean {
  return message.length === 8 && message.readInt32BE(4) === TLS_REQUEST;
}

function isSimple(message: Buffer): boolean {
  return message[0] === "Q".charCodeAt(0);
}

/** The statement of a message that has one. */
function textOf(message: Buffer): string | undefined {
  if (isSimple(message)) return message.subarray(5, -1).toString();
  if (message[0] !== "P".charCodeAt(0)) return undefined;

  const name = message.indexOf(0, 5);
  return message.subarray(name + 1, message.indexOf(0, name + 1)).toString();
}

function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(5);
  head.write("Q");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function firstLine(text: string): string {
  const [line = ""] = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/--.*$/gm, "").trim().split("\n");
  return line.slice(0, 80);
}
