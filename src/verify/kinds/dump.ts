import type { Context } from '../../base/context.ts';
import { findDump, type Dump } from '../../restore/loadDump.ts';
import { requireListPrograms } from '../../restore/dumpContents.ts';
import type { SnapshotFiles } from '../data/readFiles.ts';
import { checkData } from '../data/checkData.ts';
import { checkArchives } from '../dump/checkArchives.ts';
import { checkGlobals, checkNotCaptured } from '../dump/checkGlobals.ts';
import { checkDumpFiles, loadDumpFiles } from '../dump/dumpFiles.ts';
import { rehearsalCheckNames, rehearseRestore } from '../dump/rehearseRestore.ts';
import type { KindVerification, Rehearsal, SnapshotUnderTest } from './kindVerification.ts';

/** A logical backup: restored into a server of its own, and compared with what was counted when it was made. */
export const dumpVerification: KindVerification = {
  checkNames: {
    1: ['contents'],
    2: ['data'],
    3: ['archives', 'globals', 'not captured'],
    4: rehearsalCheckNames,
  },
  verify: verifyDump,
};

async function verifyDump(ctx: Context, subject: SnapshotUnderTest): Promise<Rehearsal | undefined> {
  const { checks, level } = subject;
  const { contents, complete } = await loadContents(ctx, subject);
  if (contents === undefined || level < 2) return undefined;
  const { dump, files } = contents;
  const read = await checkData(ctx, subject, files);
  if (level < 3) return undefined;
  const listed = await listArchives(ctx, subject, dump);
  const globals = await checks.run(3, 'globals', () => checkGlobals(ctx, dump));
  await checks.run(3, 'not captured', () => checkNotCaptured(dump.record));
  if (level < 4 || !complete || read === undefined || !listed || !globals) return undefined;
  return rehearseRestore(ctx, subject, dump);
}

async function loadContents(
  ctx: Context,
  { repository, snapshot, checks }: SnapshotUnderTest,
): Promise<{ readonly contents: { dump: Dump; files: SnapshotFiles } | undefined; readonly complete: boolean }> {
  let contents: { dump: Dump; files: SnapshotFiles } | undefined;
  const complete = await checks.run(1, 'contents', async () => {
    const dump = await findDump(ctx, repository, { text: snapshot.id });
    contents = { dump, files: await loadDumpFiles(ctx, repository, dump) };
    return checkDumpFiles(dump, contents.files);
  });
  return { contents, complete };
}

function listArchives(ctx: Context, { checks, options }: SnapshotUnderTest, dump: Dump): Promise<boolean> {
  const { progress, sandbox } = options;
  return checks.run(3, 'archives', async () => {
    const programs = await requireListPrograms(ctx, dump, sandbox?.programs?.directories);
    return checkArchives(ctx, dump, { programs, progress });
  });
}
