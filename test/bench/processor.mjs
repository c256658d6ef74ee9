/*
 * How much of the processors somebody used. Time on the wall says on a busy machine
 * how busy it is; this says what was done, whoever else wanted the cores.
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
  try {
    listChildren(postmaster);
    nanosecondsOf(postmaster);
  } catch {
    return undefined;
  }

  return () => {
    const { user, system } = process.cpuUsage();
    const server = listChildren(postmaster).reduce((sum, pid) => sum + nanosecondsOf(pid), 0);
    return (user + system) / 1e3 + server / 1e6;
  };
}

function listChildren(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ");
}

/** What a process has computed so far. One that has ended meanwhile did nothing worth counting. */
function nanosecondsOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return 0;
    throw error;
  }
}
