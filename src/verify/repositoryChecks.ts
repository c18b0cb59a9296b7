import type { Context } from '../base/context.ts';
import { formatBytes } from '../base/bytes.ts';
import type { Progress } from '../base/progress.ts';
import { checkRepository, type CheckReport, type Finding } from '../repository/check.ts';
import type { DataSubset } from '../repository/dataSubset.ts';
import type { References } from '../repository/references.ts';
import type { Repository } from '../repository/repository.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { readSealedObjects } from './data/sealedObjects.ts';
import { judge, type CheckList } from './proof/checkList.ts';

export interface RepositoryCheckOptions {
  /** The one whose trees are walked; default all. */
  readonly snapshot?: string;
  readonly subset?: DataSubset | undefined;
  readonly threads?: number | undefined;
  readonly progress: Progress;
}

/** Level 1: all small objects, and what the index says against what is there. True when nothing is wrong. */
export async function checkStructure(
  ctx: Context,
  repository: Repository,
  { checks, options }: { readonly checks: CheckList; readonly options: RepositoryCheckOptions },
): Promise<boolean> {
  return checks.run(1, 'structure', async () => {
    const { progress, threads } = options;
    const report = await checkRepository(ctx, repository, {
      references: referencesOf(options.snapshot),
      progress,
      ...(threads === undefined ? {} : { threads }),
    });
    return judge(report.errors.map(findingText), { actual: structureText(report) });
  });
}

/** Level 2 of a whole repository: every object of it, to the last byte. */
export async function checkAllData(
  ctx: Context,
  repository: Repository,
  { checks, options }: { readonly checks: CheckList; readonly options: RepositoryCheckOptions },
): Promise<boolean> {
  const { progress, threads, subset } = options;
  const packs = await checks.run(2, 'packs', async () => {
    const report = await checkRepository(ctx, repository, {
      references: referencesOf(options.snapshot),
      data: subset ?? { kind: 'all' },
      progress,
      ...(threads === undefined ? {} : { threads }),
    });
    const { stats } = report;
    const actual = `${stats.packsRead} of ${stats.packs} packs read, ${formatBytes(stats.bytesRead)} of content good`;
    return judge(report.errors.map(findingText), { actual });
  });
  const objects = await checks.run(2, 'other objects', async () => {
    const read = await readSealedObjects(ctx, repository, progress);
    const wrong = read.problems.map(({ object, problem }) => `${object}: ${problem}`);
    return judge(wrong, { actual: `${read.objects} objects read` });
  });
  return packs && objects;
}

function referencesOf(snapshot: string | undefined): References {
  if (snapshot === undefined) return snapshotReferences;
  return {
    ...snapshotReferences,
    load: async (ctx, repository, onUnreadable) => {
      const roots = await snapshotReferences.load(ctx, repository, onUnreadable);
      return roots.filter(({ id }) => id === snapshot);
    },
  };
}

function findingText({ object, problem }: Finding): string {
  return `${object}: ${problem}`;
}

function structureText({ stats }: CheckReport): string {
  const { packs, indexDocuments, snapshots, trees } = stats;
  return `packs: ${packs}, index documents: ${indexDocuments}, snapshots: ${snapshots}, trees: ${trees}`;
}
