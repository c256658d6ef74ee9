import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Something between a client and its server that passes everything on, and counts. */
export interface Relay {
  /** The same login and database, by way of the relay. */
  readonly connectionString: string;

  /** How often the client spoke after the server had, since the last reset. */
  exchanges(): number;
  reset(): void;
  close(): Promise<void>;
}

/** What a relay does to what passes. */
export interface RelayOptions {
  /** Changes what the server says. @defaultValue nothing is changed */
  readonly fromServer?: ((chunk: Buffer) => Buffer) | undefined;
}

/** Stands between a client and the server of this address. */
export async function openRelay(
  connectionString: string,
  { fromServer = (chunk) => chunk }: RelayOptions = {},
): Promise<Relay> {
  const target = new URL(connectionString);
  const sockets = new Set<Socket>();
  let count = 0;
  let isClientSpeaking = false;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      sockets.add(socket);
    }
    client.on("data", (chunk) => {
      if (!isClientSpeaking) count += 1;
      isClientSpeaking = true;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      isClientSpeaking = false;
      client.write(fromServer(chunk));
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));

  const url = new URL(connectionString);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  return {
    connectionString: url.href,
    exchanges: () => count,
    reset() {
      count = 0;
      isClientSpeaking = false;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
