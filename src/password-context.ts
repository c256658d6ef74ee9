/** What is known about the person, and so to whoever guesses at their password. */
export interface PasswordContext {
  readonly email?: string | null;
  /** The person's first and last name. */
  readonly names?: readonly (string | null)[];
  /** Names, slugs and domains of the organizations the person belongs to. */
  readonly organizationNames?: readonly (string | null)[];
  /** What the application itself is called. */
  readonly serviceNames?: readonly (string | null)[];
}

const SHORTEST_WORD = 3;

/** The shortest password NIST SP 800-63B-4 ever accepts: so much must be left without the words. */
const LEAST_OF_ITS_OWN = 8;

/**
 * Whether a password is little more than the words known about its owner:
 * without them, fewer than eight characters are left.
 *
 * `acme-health-2024` is, `my horse lives at acme` is not. It is the entire
 * password that is judged: NIST SP 800-63B-4 (3.1.1.2) wants "the name of the
 * service, the username, and derivatives thereof" refused, and does not want a
 * password refused for a word it merely contains.
 *
 * Accents, case and spaces do not tell words apart.
 */
export function isMadeOfContext(password: string, context: PasswordContext): boolean {
  const text = fold(password).replace(/\s/g, "");
  // Between two characters that were apart, so that no new word arises.
  const rest = contextWords(context).reduce((left, word) => left.replaceAll(word, "\0"), text);

  return rest !== text && [...rest.replaceAll("\0", "")].length < LEAST_OF_ITS_OWN;
}

/** Longest first, so that `anna` does not spoil `annabel`. */
function contextWords(context: PasswordContext): string[] {
  const values = [
    ...splitEmail(context.email),
    ...(context.names ?? []),
    ...(context.organizationNames ?? []),
    ...(context.serviceNames ?? []),
  ];
  const words = values.flatMap((value) => {
    const parts = fold(value ?? "").match(/[\p{L}\p{N}]+/gu) ?? [];
    return [...parts, parts.join("")];
  });

  return [...new Set(words)]
    .filter((word) => [...word].length >= SHORTEST_WORD)
    .sort((one, other) => other.length - one.length);
}

/** The part before the @ and the domain, each a value of its own. */
function splitEmail(email: string | null | undefined): string[] {
  return email?.split("@") ?? [];
}

function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
