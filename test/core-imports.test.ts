import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SOURCES = join(ROOT, "src");

/** What those who use it have installed, and nobody else needs: loaded on use. */
const optional = new Set(Object.keys((JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { peerDependencies?: object }).peerDependencies ?? {}));

/** What the sources reachable from a file import from elsewhere, types left out. */
async function packagesOf(entry: string, seen = new Set<string>()): Promise<Set<string>> {
  const packages = new Set<string>();
  if (seen.has(entry)) return packages;
  seen.add(entry);

  const text = await readFile(entry, "utf8");
  const imports = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;]*?\bfrom\s+)?["']([^"']+)["']|\bimport\("([^"]+)"\)/gms);
  for (const [statement, named, dynamic] of imports) {
    const name = (named ?? dynamic) as string;
    // `import { type A, type B } from` loads the module all the same, unless all of it is types.
    if (/^export\s+\{[^}]*\}\s+from|^import\s+\{/.test(statement) && isAllTypes(statement)) continue;
    if (dynamic !== undefined && optional.has(name)) continue;
    if (!name.startsWith(".")) {
      packages.add(name);
      continue;
    }
    const path = join(dirname(entry), name.replace(/\.js$/, ".ts"));
    for (const found of await packagesOf(path, seen)) packages.add(found);
  }
  return packages;
}

function isAllTypes(statement: string): boolean {
  const list = /\{([^}]*)\}/s.exec(statement)?.[1] ?? "";
  const names = list.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return names.length > 0 && names.every((name) => name.startsWith("type "));
}

const notOfNode = (names: Set<string>) => [...names].filter((name) => !name.startsWith("node:")).sort();

it("loads pg, pgTyped's runtime, bcrypt and our own files, and nothing else", async () => {
  expect(notOfNode(await packagesOf(join(SOURCES, "index.ts")))).toEqual(["@pgtyped/runtime", "bcrypt", "pg"]);
});

it("loads no library of a cloud with the providers of keys, before one is used", async () => {
  expect(notOfNode(await packagesOf(join(SOURCES, "keys", "index.ts")))).toEqual([]);
});

it("would notice what the command line loads", async () => {
  expect(notOfNode(await packagesOf(join(SOURCES, "cli", "main.ts")))).toEqual(
    expect.arrayContaining(["commander", "postgres-migrations"]),
  );
});
