import type { SourceKind } from '../backup/sourceSnapshot.ts';

/** What is expected of a source. Absent means that nothing is. */
export interface SourceObjectives {
  readonly kind: SourceKind;
  readonly maxAgeMs: number;
  readonly minSizeBytes: number | undefined;
  readonly verifyEveryMs: number;
  readonly tier: TierObjectives | undefined;
}

export interface TierObjectives {
  readonly name: string;
  /** Undefined where another source keeps it: a dump beside base backups and WAL of the same server. */
  readonly rpoMs: number | undefined;
  readonly rtoMs: number;
}

/** From this part of a recovery point objective on, somebody should know. */
export const nearlyReached = 0.8;

const hourMs = 3_600_000;

/** Smaller than this no database is, not even an empty one. */
export function defaultMinSizeBytes(kind: SourceKind): number | undefined {
  return kind === 'postgres' || kind === 'dump' ? 1024 * 1024 : undefined;
}

export function defaultObjectives(kind: SourceKind): SourceObjectives {
  return {
    kind,
    maxAgeMs: 26 * hourMs,
    minSizeBytes: defaultMinSizeBytes(kind),
    verifyEveryMs: 31 * 24 * hourMs,
    tier: undefined,
  };
}
