import { mirrorName, type GitRecord } from '../../backup/gitRecord.ts';
import { parsePackedRefs } from '../../backup/restoredMirror.ts';
import { formatBytes } from '../../base/bytes.ts';
import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { loadFileNode } from '../../snapshot/fileContent.ts';
import type { Loaded } from '../directory/directoryKind.ts';
import { nodesBelow } from '../directory/treeContents.ts';
import type { Outcome } from '../proof/checkList.ts';
import { refProblems } from './refProblems.ts';

/** A person should know what git does not hold (a warning), and what remotes have otherwise. */
export function describeGit({ record }: Loaded<GitRecord>): Outcome {
  const { refs, packs, sizeBytes, from, isShallow, usesLfs, submodules, working, remotes } = record;
  const notHere = [
    ...(isShallow ? ['the history that was cut off when it was cloned'] : []),
    ...(usesLfs ? ['files that Git LFS keeps elsewhere'] : []),
  ].map((what) => `not in the backup: ${what}`);
  const changed = working === null ? 0 : working.changed + working.untracked;
  const detail = [
    ...notHere,
    ...submodules.map((path) => `${path}: a repository of its own, and not in this backup`),
    ...(changed === 0 ? [] : [`${changed} files were not committed`]),
    ...remotes.map(remoteText),
  ];
  const actual = `${refs.length} refs in ${packs} packs, ${formatBytes(sizeBytes)} of ${from}`;
  return { status: notHere.length > 0 ? 'warning' : 'passed', actual, detail };
}

/** The packs, and the refs that the mirror itself lists, against the record. */
export async function compareGitRecord(
  ctx: Context,
  repository: Repository,
  { record, contents }: Loaded<GitRecord>,
): Promise<string[]> {
  const nodes = nodesBelow(contents, mirrorName);
  const wrong: string[] = [];
  const packs = [...nodes.keys()].filter((path) => /^objects\/pack\/[^/]+\.pack$/.test(path));
  if (packs.length !== record.packs) {
    wrong.push(`packs: the record says ${record.packs}, the snapshot holds ${packs.length}`);
  }
  for (const pack of packs) {
    const index = pack.replace(/\.pack$/, '.idx');
    if (!nodes.has(index)) wrong.push(`${index}: it is not there, and git does not see the pack without it`);
  }
  for (const name of ['HEAD', 'config']) {
    if (nodes.get(name)?.type !== 'file') wrong.push(`${name}: it is not there, and git needs it`);
  }
  const list = nodes.get('packed-refs');
  const text = list?.type === 'file' ? (await loadFileNode(ctx, repository, list)).toString() : '';
  return [...wrong, ...refProblems(record, parsePackedRefs(text))];
}

function remoteText({ name, state, reason, branches }: GitRecord['remotes'][number]): string {
  if (state === 'unreachable') return `remote ${name} could not be reached: ${reason ?? ''}`;
  const other = branches.filter((branch) => branch.state !== 'equal');
  if (other.length === 0) return `remote ${name} had the same branches`;
  return `remote ${name}: ${other.map((branch) => `${branch.name} ${branch.state}`).join(', ')}`;
}
