import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

import { ConfigurationError } from "../src/errors.js";
import { createKeyFile, rotateKeyFile } from "../src/keys/key-file.js";
import { requireProviderFor } from "../src/keys/key-provider.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { CONTEXT, itKeepsKeys } from "./contract/key-provider.js";

let folder: string;
let path: string;
const open = () => localKeyFile({ path, environment: "development" });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetypin-keys-"));
  path = join(folder, ".safetypin", "keys.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface KeyFileText {
  active: string;
  keys: { id: string; key: string }[];
}
const read = async () => JSON.parse(await readFile(path, "utf8")) as KeyFileText;
const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

itKeepsKeys(open);

describe("the file", () => {
  it("is made at the first key, for its owner alone, and ignored by git", async () => {
    const before = process.umask(0);
    await open().generate(CONTEXT).finally(() => process.umask(before));

    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(join(folder, ".safetypin"))).toBe(0o700);
    expect(await readFile(join(folder, ".safetypin", ".gitignore"), "utf8")).toBe("*\n");
    expect((await readdir(join(folder, ".safetypin"))).sort()).toEqual([".gitignore", "keys.json"]);
    expect((await read()).keys).toHaveLength(1);
  });

  it("is not made by who only opens: that would hide that it is gone", async () => {
    const { wrapped } = await open().generate(CONTEXT);
    await rm(path);

    await expect(open().unwrap(wrapped, CONTEXT)).rejects.toMatchObject({
      code: "master_key_not_found",
      remedy: expect.stringContaining("Copy the file back"),
    });
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("of somebody else opens nothing, and says so", async () => {
    const { wrapped } = await open().generate(CONTEXT);
    await rm(path);
    await open().generate(CONTEXT);

    await expect(open().unwrap(wrapped, CONTEXT)).rejects.toMatchObject({ code: "master_key_not_found" });
    await expect(open().unwrap({ ...wrapped, keyName: `file:${(await read()).active}` }, CONTEXT)).rejects.toMatchObject({
      code: "share_refused",
    });
  });

  it("is found by SAFETYPIN_KEY_FILE, or below the working directory", async () => {
    process.env["SAFETYPIN_KEY_FILE"] = path;
    try {
      await localKeyFile({ environment: "test" }).generate(CONTEXT);
    } finally {
      delete process.env["SAFETYPIN_KEY_FILE"];
    }
    expect((await read()).keys).toHaveLength(1);

    const elsewhere = process.cwd();
    process.chdir(folder);
    const { wrapped } = await localKeyFile({ environment: "test" }).generate(CONTEXT).finally(() => process.chdir(elsewhere));
    expect(await open().unwrap(wrapped, CONTEXT)).toHaveLength(32);
  });

  it.each([0o640, 0o604, 0o660, 0o620, 0o601])("is refused when others may use it (%o)", async (mode) => {
    const { wrapped } = await open().generate(CONTEXT);
    await chmod(path, mode);

    for (const work of [open().generate(CONTEXT), open().unwrap(wrapped, CONTEXT)]) {
      await expect(work).rejects.toBeInstanceOf(ConfigurationError);
      await expect(work).rejects.toMatchObject({ remedy: expect.stringContaining(`chmod 600 ${path}`) });
    }
    await chmod(path, 0o400);
    expect(await open().unwrap(wrapped, CONTEXT)).toHaveLength(32);
  });

  it("is looked at itself, where the path is a link", async () => {
    await open().generate(CONTEXT);
    const link = join(folder, "link.json");
    await symlink(path, link);
    await chmod(path, 0o644);

    await expect(localKeyFile({ path: link, environment: "test" }).generate(CONTEXT)).rejects.toThrow("others than its owner");
  });

  it.each([
    ["not JSON", (text: string) => text.slice(0, -20)],
    ["of another format", (text: string) => text.replace('"format": 1', '"format": 2')],
    ["without keys", () => '{"format": 1}'],
    ["null", () => "null"],
    ["with half a key", (text: string) => text.replace(/("key": ")[^"]{8}/, "$1")],
    ["without an active key", (text: string) => text.replace(/("active": ")[^"]+/, "$10000000000000000")],
    ["with a key of no name", (text: string) => text.replace(/("id": ")[^"]+/, "$1../../x")],
  ])("that is damaged (%s) is neither used nor replaced, and not quoted", async (_, damage) => {
    await open().generate(CONTEXT);
    const { keys } = await read();
    const damaged = damage(await readFile(path, "utf8"));
    await writeFile(path, damaged);

    const failure: unknown = await open().generate(CONTEXT).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect((failure as Error).message).toContain(path);
    expect(inspect(failure, { depth: null, showHidden: true })).not.toContain(keys[0]?.key.slice(8, 30));
    expect(await readFile(path, "utf8")).toBe(damaged);
  });

  it("that cannot be read at all says so", async () => {
    await createKeyFile(path);
    const at = (place: string) => localKeyFile({ path: place, environment: "test" }).generate(CONTEXT);

    await expect(at(folder)).rejects.toThrow(`${folder} is no file`);
    await expect(at(join(path, "below"))).rejects.toMatchObject({
      name: "ConfigurationError",
      message: expect.stringContaining("ENOTDIR"),
    });
  });
});

describe("two who make it at once", () => {
  it("use one and the same, eight times over", async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => open().generate(CONTEXT)));

    expect(new Set(made.map(({ wrapped }) => wrapped.keyName)).size).toBe(1);
    for (const { share, wrapped } of made) expect(await open().unwrap(wrapped, CONTEXT)).toEqual(share);
  });

  it("also from processes of their own", async () => {
    const program = `
      import { createKeyFile } from ${JSON.stringify(fileURLToPath(new URL("../dist/keys/key-file.js", import.meta.url)))};
      const { active } = await createKeyFile(process.argv[1]);
      console.log(active.id);`;
    const ids = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const child = spawn(process.execPath, ["--input-type=module", "--eval", program, path], { stdio: ["ignore", "pipe", "inherit"] });
        let printed = "";
        child.stdout.on("data", (data: Buffer) => (printed += data.toString()));
        await once(child, "close");
        return printed.trim();
      }),
    );

    expect(new Set(ids)).toEqual(new Set([(await read()).active]));
    expect((await readdir(join(folder, ".safetypin"))).sort()).toEqual([".gitignore", "keys.json"]);
  });
});

describe("a rotation", () => {
  it("lets a new key wrap, and the old one go on opening", async () => {
    const before = await open().generate(CONTEXT);
    await rotateKeyFile(path);
    const after = await open().generate(CONTEXT);

    expect(after.wrapped.keyName).not.toBe(before.wrapped.keyName);
    expect(await open().unwrap(before.wrapped, CONTEXT)).toEqual(before.share);
    const again = await open().rewrap(before.wrapped, CONTEXT);
    expect(again.keyName).toBe(after.wrapped.keyName);
    expect(await open().unwrap(again, CONTEXT)).toEqual(before.share);
    expect(await modeOf(path)).toBe(0o600);
  });

  it("loses no key of another one that happens at the same time", async () => {
    await createKeyFile(path);
    await Promise.all(Array.from({ length: 8 }, () => rotateKeyFile(path)));

    expect(new Set((await read()).keys.map(({ id }) => id)).size).toBe(9);
    expect((await readdir(join(folder, ".safetypin"))).sort()).toEqual([".gitignore", "keys.json"]);
  });

  it("does not wait for ever for who died in one", async () => {
    await createKeyFile(path);
    await writeFile(`${path}.lock`, "");

    await expect(rotateKeyFile(path)).rejects.toMatchObject({
      name: "ConfigurationError",
      message: expect.stringContaining(`${path}.lock`),
      remedy: expect.stringContaining("delete the lock"),
    });
    expect((await read()).keys).toHaveLength(1);
  });

  it("of nothing makes nothing", async () => {
    await createKeyFile(path);
    await rm(path);
    await expect(rotateKeyFile(path)).rejects.toThrow(`there is no key file ${path}`);
  });
});

describe("production", () => {
  it("is refused, with what to do", () => {
    expect(() => localKeyFile({ path, environment: "production" })).toThrow(ConfigurationError);
    expect(() => localKeyFile({ path, environment: "production" })).toThrow("a production cell cannot take its keys from local-key-file");
    try {
      localKeyFile({ path, environment: "production" });
    } catch (error) {
      expect(error).toMatchObject({ remedy: expect.stringContaining("aws-kms://") });
    }
  });

  it("is refused also to one that was opened for something else", () => {
    const provider = open();
    expect(() => requireProviderFor("production", provider)).toThrow(ConfigurationError);
    expect(() => requireProviderFor("test", provider)).not.toThrow();
    expect(() => requireProviderFor("production", { name: "aws-kms" })).not.toThrow();
  });
});
