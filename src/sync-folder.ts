import { open } from "node:fs/promises";
import { dirname } from "node:path";

/** So that the name of a file that was just renamed or made survives the loss of power too. */
export async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  // A file system that knows no such thing keeps names in its own way.
  await folder.sync().catch(() => undefined);
  await folder.close();
}
