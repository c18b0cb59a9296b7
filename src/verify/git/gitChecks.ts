import { join } from 'node:path';
import type { GitRecord } from '../../backup/gitRecord.ts';
import { checkRestoredMirror, cloneMirror, readMirrorRefs } from '../../backup/restoredMirror.ts';
import type { Context } from '../../base/context.ts';
import type { Restored, RestoredCheck } from '../directory/directoryKind.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import { areMachinesWords } from '../proof/fault.ts';
import { refProblems } from './refProblems.ts';

/** What git itself says of a restored mirror. */
export const gitChecks: readonly RestoredCheck<GitRecord>[] = [
  { name: 'git fsck', run: fsck },
  { name: 'refs', run: compareRefs },
  { name: 'git clone', run: clone },
];

/** Where the clone is made. */
export function cloneDirectory(scratch: string): string {
  return join(scratch, 'clone');
}

/** Every object is read and hashed by git; remarks about old objects were there when it was backed up. */
async function fsck(ctx: Context, { directory }: Restored<GitRecord>): Promise<Outcome> {
  const { damage, remarks } = await checkRestoredMirror(ctx, directory);
  if (damage.some(areMachinesWords))
    return { status: 'inconclusive', actual: 'git fsck could not end', detail: damage };
  return judge(damage, { actual: remarks.length === 0 ? 'no complaint' : `${remarks.length} remarks, no damage` });
}

async function compareRefs(ctx: Context, { directory, record }: Restored<GitRecord>): Promise<Outcome> {
  const found = await readMirrorRefs(ctx, directory);
  const wrong = refProblems(record, found);
  for (const part of ['ref', 'id'] as const) {
    if (found.head[part] !== record.head[part]) {
      wrong.push(`HEAD: the record says ${record.head[part]}, the mirror ${found.head[part]}`);
    }
  }
  return judge(wrong, { actual: `${found.refs.size} refs, HEAD at ${record.head.ref ?? record.head.id ?? 'nothing'}` });
}

async function clone(ctx: Context, { directory, scratch, record }: Restored<GitRecord>): Promise<Outcome> {
  const commit = await cloneMirror(ctx, { from: directory, to: cloneDirectory(scratch) });
  const expected = record.head.id ?? 'no commit';
  const actual = commit ?? 'no commit';
  return { status: expected === actual ? 'passed' : 'failed', expected, actual: `${actual} checked out` };
}
