import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Lets a server listen on a free port of this machine only. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

/** Ends a server and every connection to it. */
export async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((stopped) => server.close(stopped));
}

/** All of a request's body. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
