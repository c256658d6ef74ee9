/*
 * Prints a dump of the database named in its arguments, as JSON: in a process of its
 * own, because jest cannot load WebAssembly that imports as it goes.
 */
import { dumpDatabase } from "../../dist/development/dump.js";

const { source, args } = JSON.parse(process.argv[2]);
process.stdout.write(await dumpDatabase(source, args));
