import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { seededRandom } from '../base/random.ts';
import { checkIndex } from './check/checkIndex.ts';
import { checkPacks } from './check/checkPacks.ts';
import { checkReferences, checkSnapshots } from './check/checkReferences.ts';
import { checkKeys, checkLocks, checkStrays } from './check/checkSurroundings.ts';
import { Findings, type Finding } from './check/findings.ts';
import { selectPacks, type DataSubset } from './dataSubset.ts';
import { listPacks } from './packListing.ts';
import type { References } from './references.ts';
import type { Repository } from './repository.ts';
import { verifyPacks } from './verifyPacks.ts';

export type { Finding } from './check/findings.ts';

export interface CheckOptions {
  /** `snapshotReferences` of the snapshot layer. */
  readonly references: References;
  /** Which packs to read whole; default none. */
  readonly data?: DataSubset;
  /** Makes a random subset the same again; default another one each time. */
  readonly seed?: number;
  readonly threads?: number;
  readonly progress?: Progress;
}

export interface CheckStats {
  readonly keys: number;
  readonly locks: number;
  readonly snapshots: number;
  /** Distinct trees, and files in them. */
  readonly trees: number;
  readonly files: number;
  readonly indexDocuments: number;
  readonly packs: number;
  readonly packBytes: number;
  /** Packs read whole, and plaintext bytes found good in them. */
  readonly packsRead: number;
  readonly bytesRead: number;
}

export interface CheckReport {
  /** Something is lost or will be. */
  readonly errors: readonly Finding[];
  /** Something is not tidy; nothing is lost. */
  readonly hints: readonly Finding[];
  readonly stats: CheckStats;
}

/**
 * Checks a repository, ours or stock restic's: everything that stock `check` finds and what restore would stumble over
 * besides. Damage is reported, not thrown; an error thrown means that the check could not be made. The caller holds at
 * least a shared lock, else a prune beside it makes false alarms.
 */
export async function checkRepository(
  ctx: Context,
  repository: Repository,
  options: CheckOptions,
): Promise<CheckReport> {
  const { references, progress = silentProgress } = options;
  const findings = new Findings();
  progress.phase('checking keys, locks and snapshots');
  const keys = await checkKeys(ctx, repository, findings);
  const locks = await checkLocks(ctx, repository, findings);
  const roots = await checkSnapshots(ctx, repository, { references, findings });
  progress.phase('checking index and packs');
  const checked = await checkIndex(ctx, repository, findings);
  repository.adoptIndex(checked.index);
  const listing = await listPacks(ctx, repository.backend);
  const sound = checkPacks(checked, listing, findings);
  await checkStrays(ctx, repository, { strays: listing.strays, findings });
  progress.phase('checking trees');
  const { index } = checked;
  const totals = await checkReferences(ctx, repository, { references, roots, index, findings });
  const packs = sound.map((id) => ({ id, sizeBytes: listing.sizes.get(id) ?? 0 }));
  const read = await readData(ctx, repository, { options, packs, findings });
  return {
    errors: findings.errors,
    hints: findings.hints,
    stats: {
      keys,
      locks,
      snapshots: roots.length,
      ...totals,
      indexDocuments: checked.documents,
      packs: checked.packs.size,
      packBytes: packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      ...read,
    },
  };
}

/** Throws `check-failed`, naming the first of the errors, when there are any. */
export function requireClean({ errors }: CheckReport): void {
  const [first] = errors;
  if (first === undefined) return;
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  throw new OperationError('check-failed', `the check found ${count}: ${first.object}: ${first.problem}`, {
    hint: first.hint,
    detail: { errors },
  });
}

async function readData(
  ctx: Context,
  repository: Repository,
  from: {
    readonly options: CheckOptions;
    readonly packs: readonly { readonly id: string; readonly sizeBytes: number }[];
    readonly findings: Findings;
  },
): Promise<{ packsRead: number; bytesRead: number }> {
  const { data, seed, threads, progress } = from.options;
  if (data === undefined) return { packsRead: 0, bytesRead: 0 };
  const random = seed === undefined ? Math.random : seededRandom(seed);
  const packIds = selectPacks(from.packs, data, random).map(({ id }) => id);
  const read = await verifyPacks(ctx, repository, {
    packIds,
    ...(threads === undefined ? {} : { threads }),
    ...(progress === undefined ? {} : { progress }),
  });
  for (const { object, blob, problem } of read.problems) {
    const what = blob === undefined ? problem : `${problem} (blob ${blob})`;
    from.findings.error(object, what, 'restore the pack from a copy of the repository; else forget what needs it');
  }
  return { packsRead: read.packs, bytesRead: read.bytes };
}
