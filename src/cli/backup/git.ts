import { homedir } from 'node:os';
import { join } from 'node:path';
import { backupGit, type GitBackupResult } from '../../backup/gitBackup.ts';
import type { RemoteComparison } from '../../backup/gitRecord.ts';
import { fillSecret } from '../../config/interpolate.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { styled, type Terminal } from '../terminal.ts';
import type { BackUp } from './backUp.ts';
import { uploadOptions } from './backupSource.ts';
import { snapshotFields } from './snapshotFields.ts';

/** Branches of a remote that are not equal and that a person gets to read; the record holds all. */
const mostBranches = 10;

/** Backs up a git repository and reports. A remote that cannot be reached is a warning: everything else is there. */
export const backUp: BackUp<'git'> = async (ctx, { invocation, repository, settings, name, config }) => {
  const { printer, terminal, options } = invocation;
  const begunMs = ctx.clock.monotonicMs();
  const remotes = Object.entries(config.remotes).map(([remote, url]) => {
    const option = `sources.${name}.remotes.${remote}`;
    return [remote, fillSecret(url, option, process.env)] as const;
  });
  const result = await backupGit(ctx, repository.opening, {
    source: name,
    path: config.path,
    remotes: Object.fromEntries(remotes),
    mirrorDirectory: config.mirrorDirectory ?? join(cacheDirectory(), 'understudy/git', name),
    tags: options.tag,
    ...uploadOptions(settings),
    lock: settings.lock,
    progress: printer.progress,
  });
  const durationMs = ctx.clock.monotonicMs() - begunMs;
  printer.end(true);
  printer.result('summary', snapshotFields(result, durationMs), () => summaryText(terminal, result, durationMs));
  for (const warning of warnings(result)) printer.warn(`${name}: ${visible(warning)}`);
  return result.snapshot.id;
};

function cacheDirectory(): string {
  return process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
}

function summaryText(terminal: Terminal, { snapshot, record, totals }: GitBackupResult, durationMs: number): string {
  const { head, refs, kept, stashes, packs, sizeBytes } = record;
  const id = styled(terminal, 'bold', snapshot.id.slice(0, 8));
  const added = totals.addedBytes === 0 ? 'nothing new' : `${formatBytes(totals.addedBytes)} new`;
  const at = head.id === null ? 'no commit yet' : head.id.slice(0, 12);
  return [
    `${record.source}: snapshot ${id} in ${formatDuration(durationMs)}, every object checked`,
    `  data:   ${formatBytes(sizeBytes)} in ${plural(packs, 'pack')}; ${added}, stored in ${formatBytes(totals.storedBytes)}`,
    `  refs:   ${plural(refs.length, 'ref')}, ${plural(stashes, 'stash', 'stashes')}, ${plural(kept.length, 'commit')} that no ref names`,
    `  HEAD:   ${visible(head.ref ?? 'detached')}, ${at}`,
    ...record.remotes.flatMap((remote) => remoteLines(remote)),
  ].join('\n');
}

function remoteLines({ name, url, state, branches }: RemoteComparison): string[] {
  const title = `  remote ${visible(name)} (${visible(url)}): `;
  if (state === 'unreachable') return [`${title}unreachable`];
  const unequal = branches.filter((branch) => branch.state !== 'equal');
  const equal = `${plural(branches.length - unequal.length, 'branch', 'branches')} equal`;
  const lines = unequal.slice(0, mostBranches).map(({ name: branch, state: how, ahead, behind }) => {
    const counts = ahead + behind === 0 ? '' : ` (${ahead} ahead, ${behind} behind)`;
    return `    ${visible(branch)}: ${how.replace('-', ' ')}${counts}`;
  });
  const more = unequal.length > lines.length ? [`    and ${unequal.length - lines.length} more`] : [];
  return [title + equal, ...lines, ...more];
}

function warnings({ record }: GitBackupResult): string[] {
  const { remotes, working, submodules, remarks } = record;
  const count = working === null ? 0 : working.changed + working.untracked;
  return [
    ...remotes.flatMap(({ name, reason }) => (reason === null ? [] : [`remote ${name} cannot be compared: ${reason}`])),
    ...(count === 0 ? [] : [`${plural(count, 'file')} with changes that are in no commit are not in the backup`]),
    ...submodules.map((path) => `the submodule ${path} is a repository of its own: make it a source too`),
    ...(record.usesLfs
      ? ['files that Git LFS keeps outside of git are not in the backup: add `.git/lfs` as a source of kind files']
      : []),
    ...(record.isShallow ? ['the history was cut off when the repository was cloned, and is so in the backup'] : []),
    ...(remarks.length === 0 ? [] : [`git fsck remarks, of intact objects: ${remarks[0]}`]),
  ];
}
