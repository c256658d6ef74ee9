import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { DCLinter } from "dclint";

const FILE = fileURLToPath(new URL("../docker-compose.yml", import.meta.url));

/** Style is ours; what the linter is for here is the schema of the Compose specification, and what is an error. */
const STYLE = [
  "require-project-name-field", "require-quotes-in-ports", "service-keys-order", "top-level-properties-order",
];

interface Fault {
  readonly rule: string;
  readonly message: string;
}

/** What is wrong with a file. */
function lint(path: string): Fault[] {
  const linter = new DCLinter({
    rules: Object.fromEntries(STYLE.map((rule) => [rule, 0])),
    quiet: false,
    debug: false,
    exclude: [],
  });
  // Its types name files in a way that Node's resolution does not follow.
  const results = linter.lintFiles([path], false) as readonly { readonly messages: readonly Fault[] }[];
  expect(results).toHaveLength(1);
  return results.flatMap(({ messages }) => messages.map(({ rule, message }) => ({ rule, message })));
}

describe("docker-compose.yml", () => {
  it("is as the Compose specification has it, and free of lint", () => {
    expect(lint(FILE)).toEqual([]);
  });

  it.each([
    ["a key that there is not", /^ {4}healthcheck:/m, "    health:", "invalid-schema", "additional properties"],
    ["a length of time that is none", /interval: 2s/, "interval: [2]", "invalid-schema", "interval"],
    ["an image of any version", /image: postgres:17-bookworm/, "image: postgres:latest", "service-image-require-explicit-tag", "latest"],
    ["a port that is open to the network", /127\.0\.0\.1:\$/, "$", "no-unbound-port-interfaces", "interface"],
    ["what is no YAML", /^services:/m, "services: [", "invalid-yaml", ""],
  ])("would be found out with %s", async (_, pattern, instead, rule, words) => {
    const text = await readFile(FILE, "utf8");
    const offender = text.replace(pattern, instead);
    expect(offender).not.toBe(text);

    const folder = await mkdtemp(join(tmpdir(), "safetypin-compose-"));
    try {
      const path = join(folder, "docker-compose.yml");
      await writeFile(path, offender);
      expect(lint(path)).toContainEqual({ rule, message: expect.stringContaining(words) as string });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
