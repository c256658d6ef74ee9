import { ConfigurationError } from "../errors.js";
import type { KeyProvider, WrappedShare } from "./key-provider.js";

/**
 * Keys of one service, and those of others that only open: while shares move from one kind
 * of service to another. What is made is wrapped by the first, and so is what is rewrapped.
 *
 * @throws {@link ConfigurationError} when two are of one kind: further keys of a kind are
 * that one's own matter (`alsoUnwraps`).
 */
export function severalProviders(own: KeyProvider, others: readonly KeyProvider[]): KeyProvider {
  const all = [own, ...others];
  const kinds = all.map(({ name }) => name);
  const twice = kinds.find((kind, place) => kinds.indexOf(kind) !== place);
  if (twice !== undefined) {
    throw new ConfigurationError(`keys come from ${twice} twice`, { remedy: "Name its further keys behind ?also= of the one address" });
  }

  /** The one that may have wrapped it; the first, where nobody says which. */
  const providerOf = ({ provider: kind }: WrappedShare): KeyProvider => all.find(({ name }) => name === kind) ?? own;

  const provider: KeyProvider = {
    name: own.name,
    alsoOpens: others.map(({ name }) => name),
    isForDevelopment: all.some(({ isForDevelopment }) => isForDevelopment === true),
    generate: (context, options) => own.generate(context, options),
    wrap: (share, context, options) => own.wrap(share, context, options),
    unwrap: (wrapped, context, options) => providerOf(wrapped).unwrap(wrapped, context, options),

    async rewrap(wrapped, context, options) {
      const from = providerOf(wrapped);
      if (from === own) return own.rewrap(wrapped, context, options);

      const share = await from.unwrap(wrapped, context, options);
      try {
        return await own.wrap(share, context, options);
      } finally {
        share.fill(0);
      }
    },

    async relationTo(keyName) {
      const relation = await own.relationTo?.(keyName);
      if (relation !== "none") return relation ?? "wraps";
      for (const other of others) {
        const found = await other.relationTo?.(keyName);
        if (found !== undefined && found !== "none") return "opens";
      }
      return "none";
    },

    async close() {
      for (const one of all) await one.close?.();
    },
  };
  return provider;
}
