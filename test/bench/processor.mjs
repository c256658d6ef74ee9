/*
 * How much of the processors somebody used. Time on the wall says on a busy machine
 * how busy it is; this says what was done, whoever else wanted the cores. Not quite:
 * they want the caches too.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * A clock that counts what this process and all of a server's processes compute, in
 * milliseconds; `undefined` where the system does not say, which is all but Linux.
 */
export async function processorClock({ dataDirectory }) {
  const [postmaster] = (await readFile(join(dataDirectory, "postmaster.pid"), "utf8")).split("\n");
  const readServer = () =>
    listChildren(postmaster).reduce((sum, pid) => sum + nanosecondsOf(pid) / 1e6, millisecondsOfTheDead(postmaster));
  try {
    readServer();
  } catch {
    return undefined;
  }

  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3 + readServer();
  };
}

function listChildren(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ");
}

/** What the children computed that have ended: to a hundredth of a second, as Linux keeps it. */
function millisecondsOfTheDead(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is a name in parentheses, which may hold anything; cutime and cstime are the 16th and 17th.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[13]) + Number(fields[14]));
}

/** What a process has computed so far. One that ends at this very moment is counted among the dead. */
function nanosecondsOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return 0;
    throw error;
  }
}
