/*
 * A newcomer's first minutes: clones the project into a new folder and does there what
 * the README says, with an empty home.
 *
 *   node test/drills/fresh-clone.mjs           as whoever runs it
 *   node test/drills/fresh-clone.mjs nobody    as another user, which takes root
 *
 * Needs npm's registry, as `npm ci` does: that is why .ci/run runs it, and `npm test` not.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

const folder = await mkdtemp(join(tmpdir(), "safetypin-clone-"));
const clone = join(folder, "clone");
const home = join(folder, "home");
const newcomer = process.argv[2] ?? userInfo().username;
const server = join(clone, ".safetypin");
const isServerThere = () => existsSync(join(server, "data", "postmaster.pid"));

try {
  await chmod(folder, 0o755);
  await mkdir(home);
  await succeed(start("git", ["clone", "--quiet", PROJECT, clone], { cwd: folder }), "");
  const user = await identify(newcomer);
  if (process.argv[2] !== undefined) {
    await succeed(start("chown", ["-R", `${user.uid}:${user.gid}`, clone, home], { cwd: folder }), "");
  }
  await follow(user);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function follow(user) {
  const { PATH, LANG = "C.UTF-8" } = process.env;
  // Where npm finds its registry is the machine's affair; nothing else of ours goes along.
  const npm = Object.entries(process.env).filter(([name]) => /^(npm_config_|NODE_EXTRA_CA_CERTS$|SSL_CERT_)/i.test(name));
  const env = { ...Object.fromEntries(npm), PATH, LANG, HOME: home, NO_COLOR: "1" };
  const run = (command, args, more = {}) => start(command, args, { ...user, cwd: clone, env: { ...env, ...more } });

  await step("npm ci installs, and builds", () => succeed(run("npm", ["ci"]), "added "));
  await step("the command is there", () =>
    succeed(run("npx", ["--no-install", "safetypin", "--help"]), "Usage: safetypin"));

  await step("npm start -- --once tells the story, and leaves no server", async () => {
    await succeed(run("npm", ["start", "--", "--once"]), "What to try next");
    expect(!isServerThere(), "a server is left");
  });

  await step("npm start keeps the server up, the command finds it, and SIGTERM ends it in order", async () => {
    const story = run("npm", ["start"]);
    while (!story.said().includes("until Ctrl-C")) {
      expect(!story.hasEnded(), `npm start ended:\n${story.said()}`);
      await sleep(100);
    }
    const [, , , port] = (await readFile(join(server, "data", "postmaster.pid"), "utf8")).split("\n");
    const password = (await readFile(join(server, "superuser-password"), "utf8")).trim();
    const DATABASE_URL = `postgres://postgres:${password}@127.0.0.1:${port}/safetypin`;
    const safetypin = (...args) => run("npx", ["--no-install", "safetypin", ...args], { DATABASE_URL });

    await succeed(safetypin("migrate", "status", "--check"), "0001");
    await succeed(safetypin("doctor"), "0 critical");

    story.child.kill("SIGTERM");
    await story.ended;
    expect(!isServerThere(), "a server is left");
    const log = await readFile(join(server, "server.log"), "utf8");
    expect(log.endsWith("database system is shut down\n"), `the server's log ends:\n${log.slice(-500)}`);
  });
}

async function identify(name) {
  const ask = async (flag) => Number((await succeed(start("id", [flag, name], { cwd: folder }), "")).trim());
  return name === userInfo().username ? {} : { uid: await ask("-u"), gid: await ask("-g") };
}

/** Starts a command, and listens. */
function start(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let code;
  child.stdout.on("data", (text) => (said += text));
  child.stderr.on("data", (text) => (said += text));
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve((code = status ?? 1)));
  });
  return {
    name: `${command} ${args.join(" ")}`,
    child,
    ended,
    said: () => said,
    hasEnded: () => code !== undefined,
  };
}

/** What a command said, which ends well and says these words. */
async function succeed({ name, ended, said }, words) {
  const code = await ended;
  expect(code === 0, `${name} ended with ${code}:\n${said()}`);
  expect(said().includes(words), `${name} does not say ${JSON.stringify(words)}:\n${said()}`);
  return said();
}

async function step(sentence, work) {
  const began = Date.now();
  await work();
  console.log(`✓ ${newcomer}: ${sentence} (${Math.round((Date.now() - began) / 1000)} s)`);
}

function expect(isSo, sentence) {
  if (!isSo) throw new Error(sentence);
}
