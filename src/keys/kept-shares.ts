import { copyOf } from "./share.js";

/** How long shares are kept, and how many. */
export interface KeptSharesLimits {
  readonly lifetimeMs: number;
  readonly staleMs: number;
  readonly maximumShares: number;
  readonly maximumUses: number;

  /** Told of every share that had to make room. */
  readonly onEviction: () => void;
}

interface Kept {
  readonly share: Buffer;
  readonly owner: string;
  /** Until when it is served without asking. */
  readonly freshUntil: number;
  /** Until when it is there for whoever asks and meets silence; and once somebody did. */
  readonly spareUntil: number;
  readonly goneAt: number;
  uses: number;
  /** While its service does not answer: when to ask again. */
  askAgainAt: number | undefined;
}

/** What is found in memory. */
export interface Found {
  /** A copy, the finder's own. */
  readonly share: Buffer;
  readonly isStale: boolean;

  /** Whether somebody should see if the service is back. */
  readonly isTimeToAsk: boolean;
}

/** Shares in memory: whatever leaves it is overwritten, whatever is handed out is a copy. */
export interface KeptShares {
  keep(id: string, owner: string, share: Buffer): void;

  /** What may be served: within its time and uses, or past them once {@link KeptShares.outlive} said so. */
  find(id: string): Found | undefined;

  /** Counts a use of what somebody had from elsewhere. */
  use(id: string): void;

  /** Lets a share be served past its time; whether there is one that may. */
  outlive(id: string, askAgainAt: number): boolean;

  remove(id: string): void;

  /** Removes what belongs to an owner whose name begins like this. */
  removeOf(owner: string): void;

  /** Removes what may not be served any more. */
  sweep(): void;

  readonly size: number;
}

/** Makes an empty memory. */
export function createKeptShares(limits: KeptSharesLimits): KeptShares {
  // In the order of use: a map keeps it, and what is used again is put at its end.
  const kept = new Map<string, Kept>();

  const remove = (id: string): void => {
    kept.get(id)?.share.fill(0);
    kept.delete(id);
  };
  const removeWhere = (isToGo: (entry: Kept) => boolean): void => {
    for (const [id, entry] of kept) if (isToGo(entry)) remove(id);
  };

  // Nobody knows that a service is silent who has not asked it.
  const isOver = ({ askAgainAt, spareUntil, goneAt }: Kept): boolean =>
    performance.now() >= (askAgainAt === undefined ? spareUntil : goneAt);

  return {
    keep(id, owner, share) {
      remove(id);
      // Processes that were started together are not to ask together.
      const freshUntil = performance.now() + limits.lifetimeMs * (0.9 + 0.2 * Math.random());
      const spareUntil = freshUntil + Math.min(limits.lifetimeMs, limits.staleMs);
      const goneAt = freshUntil + limits.staleMs;
      kept.set(id, { share: copyOf(share), owner, freshUntil, spareUntil, goneAt, uses: 0, askAgainAt: undefined });
      for (const oldest of kept.keys()) {
        if (kept.size <= limits.maximumShares) break;
        remove(oldest);
        limits.onEviction();
      }
    },

    find(id) {
      const entry = kept.get(id);
      if (entry === undefined) return undefined;
      if (isOver(entry)) return void remove(id);

      const now = performance.now();
      const isStale = now >= entry.freshUntil || entry.uses >= limits.maximumUses;
      if (isStale && entry.askAgainAt === undefined) return undefined;
      entry.uses += 1;
      kept.delete(id);
      kept.set(id, entry);
      return {
        share: copyOf(entry.share),
        isStale,
        isTimeToAsk: entry.askAgainAt !== undefined && now >= entry.askAgainAt,
      };
    },

    use(id) {
      const entry = kept.get(id);
      if (entry !== undefined) entry.uses += 1;
    },

    outlive(id, askAgainAt) {
      const entry = kept.get(id);
      if (entry === undefined || limits.staleMs === 0) return false;
      entry.askAgainAt = askAgainAt;
      return true;
    },

    remove,
    removeOf: (beginning) => removeWhere(({ owner }) => owner.startsWith(beginning)),
    sweep: () => removeWhere(isOver),
    get size() {
      return kept.size;
    },
  };
}
