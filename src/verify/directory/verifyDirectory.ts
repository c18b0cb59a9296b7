import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRecordFile } from '../../backup/sourceSnapshot.ts';
import { formatBytes } from '../../base/bytes.ts';
import type { Context } from '../../base/context.ts';
import { planRestore, type PlanRestoreOptions } from '../../restorer/planRestore.ts';
import { checkData } from '../data/checkData.ts';
import type { KindVerification, Rehearsal, SnapshotUnderTest } from '../kinds/kindVerification.ts';
import { judge } from '../proof/checkList.ts';
import type { DirectoryKind, Loaded } from './directoryKind.ts';
import { rehearseRestore, restoreCheckNames } from './rehearseRestore.ts';
import { loadTreeContents, strangers } from './treeContents.ts';

/** How snapshots are verified that are restored to a directory: files, logs, git repositories. */
export function directoryVerification<SourceRecord extends { readonly source: string }>(
  kind: DirectoryKind<SourceRecord>,
): KindVerification {
  return {
    checkNames: {
      1: ['contents'],
      2: ['data'],
      3: ['record', 'plan of a restore'],
      4: [...restoreCheckNames, ...kind.restoredChecks.map(({ name }) => name)],
    },
    verify: (ctx, subject) => verify(ctx, kind, subject),
  };
}

async function verify<SourceRecord extends { readonly source: string }>(
  ctx: Context,
  kind: DirectoryKind<SourceRecord>,
  subject: SnapshotUnderTest,
): Promise<Rehearsal | undefined> {
  const { repository, snapshot, checks, level, options } = subject;
  let loaded: Loaded<SourceRecord> | undefined;
  await checks.run(1, 'contents', async () => {
    const record = kind.parse(await loadRecordFile(ctx, repository, snapshot));
    loaded = { record, contents: await loadTreeContents(ctx, repository, snapshot) };
    return kind.describe(loaded);
  });
  if (loaded === undefined || level < 2) return undefined;
  const { record, contents } = loaded;
  const read = await checkData(ctx, subject, contents.files);
  if (level < 3) return undefined;
  const agreed = await checks.run(3, 'record', async () => {
    const wrong = await kind.compare(ctx, repository, { record, contents });
    return judge([...strangers(contents, kind.directoryName), ...wrong], {
      expected: 'agreement of the record with what the snapshot holds',
    });
  });
  const planOptions = (destination: string): PlanRestoreOptions => ({
    treeId: snapshot.tree,
    subPath: `/${record.source}/${kind.directoryName}${kind.start(record)}`,
    destination,
    existing: 'refuse',
  });
  options.progress.phase('planning a restore');
  const planned = await checks.run(3, 'plan of a restore', async () => {
    // nothing is there, and nothing is made
    const nowhere = join(tmpdir(), `understudy-plan-of-${snapshot.id}`);
    const plan = await planRestore(ctx, repository, planOptions(nowhere));
    const entries = plan.directories.length + plan.files.length + plan.hardLinks.length + plan.specials.length;
    const actual = `${entries} files, directories and links, ${formatBytes(plan.totalBytes)}`;
    return judge(
      plan.problems.map(({ problem }) => problem),
      { actual },
    );
  });
  if (level < 4 || read === undefined || !agreed || !planned) return undefined;
  return rehearseRestore(ctx, { kind, subject, loaded: { record, contents }, planOptions });
}
