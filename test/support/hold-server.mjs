/*
 * Starts a kept server in the folder it is given, says where it is, and holds it
 * until somebody ends this process: for tests of how a server ends.
 */
import { startServer } from "../../dist/development/embedded-server.js";

const { port, dataDirectory } = await startServer({ directory: process.argv[2] });
console.log(JSON.stringify({ port, dataDirectory }));
setInterval(() => undefined, 60_000);
