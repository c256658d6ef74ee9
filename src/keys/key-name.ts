import { ConfigurationError } from "../errors.js";

/** What a name says, `undefined` for one that this service gives no key. */
export function readName<Name>(text: string, parse: (text: string) => Name): Name | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}
