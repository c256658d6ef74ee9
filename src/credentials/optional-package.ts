import { ConfigurationError } from "../errors.js";

/**
 * Loads a package that only those who use it have installed.
 *
 * @throws {@link ConfigurationError} naming the package when it is not there.
 */
export async function loadOptional<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const { code, message = "" } = cause as { code?: string; message?: string };
    const isAbsent = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    if (!isAbsent || !message.includes(name)) throw cause;
    throw new ConfigurationError(`The package ${name} is not installed`, {
      remedy: `Run: npm install ${name}`,
      cause,
    });
  }
}
