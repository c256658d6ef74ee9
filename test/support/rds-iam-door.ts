import { readFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { TLSSocket } from "node:tls";

import type { CertificatePair } from "./authority.js";
import { verifyPresigned, type SigningKeys } from "./signature-v4.js";

/** The way into a server that takes tokens of IAM in place of passwords, as RDS does. */
export interface RdsIamDoor {
  readonly port: number;

  /** The tokens that came, good or bad. */
  readonly tokens: readonly string[];
  close(): Promise<void>;
}

/** Whom the door lets in. */
export interface RdsIamDoorOptions extends CertificatePair {
  readonly keys: SigningKeys;
  readonly region: string;

  /** The server behind it, which trusts whoever comes. */
  readonly server: { readonly host: string; readonly port: number };
}

const TLS_REQUEST = 80_877_103;

/**
 * Starts a door that speaks TLS, asks for a password as it is, takes it for a presigned
 * request of `rds-db`, verifies that, and hands the connection on.
 */
export async function openRdsIamDoor({ certificate, key, keys, region, server }: RdsIamDoorOptions): Promise<RdsIamDoor> {
  const [cert, secret] = await Promise.all([readFile(certificate), readFile(key)]);
  const tokens: string[] = [];
  const sockets = new Set<Socket>();

  const door = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", (request) => {
      if (request.readInt32BE(4) !== TLS_REQUEST) return void socket.end(refusal("28000", "no encryption"));
      socket.write("S");
      const client = new TLSSocket(socket, { isServer: true, cert, key: secret });
      client.on("error", () => undefined);
      client.once("data", (startup) => {
        // AuthenticationCleartextPassword.
        client.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 3]));
        client.once("data", (answer) => {
          const token = answer.subarray(5, -1).toString();
          tokens.push(token);
          if (!isGood(token, userOf(startup))) {
            return void client.end(refusal("28000", `PAM authentication failed for user "${userOf(startup)}"`));
          }
          const upstream = connect(server.port, server.host);
          sockets.add(upstream);
          upstream.on("error", () => undefined);
          upstream.write(startup);
          client.pipe(upstream).pipe(client);
        });
      });
    });
  });

  function isGood(token: string, user: string): boolean {
    try {
      const signed = verifyPresigned(token, keys);
      const { port } = door.address() as AddressInfo;
      return (
        signed.service === "rds-db" &&
        signed.region === region &&
        signed.host === `localhost:${port}` &&
        signed.parameters.get("Action") === "connect" &&
        signed.parameters.get("DBUser") === user &&
        Number(signed.parameters.get("X-Amz-Expires")) <= 900
      );
    } catch {
      return false;
    }
  }

  await new Promise<void>((listening) => door.listen(0, "127.0.0.1", listening));
  return {
    port: (door.address() as AddressInfo).port,
    tokens,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => door.close(closed));
    },
  };
}

/** Who a startup message says it is. */
function userOf(startup: Buffer): string {
  const words = startup.subarray(8).toString().split("\0");
  return words[words.indexOf("user") + 1] ?? "";
}

function refusal(code: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5, "E");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
