import { resolve } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { withReadLock } from '../../repository/readLock.ts';
import type { Repository } from '../../repository/repository.ts';
import { applyRestore, type RestoreResult } from '../../restorer/applyRestore.ts';
import { planRestore } from '../../restorer/planRestore.ts';
import type { RestorePlan } from '../../restorer/restorePlan.ts';
import { verifyRestored } from '../../restorer/verifyRestored.ts';
import { parseSnapshotPath } from '../../snapshot/snapshotSelector.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { formatUtc } from '../../snapshot/time.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { openRepository, readLock } from '../openRepository.ts';
import { chooseDestination, chooseFiles, chooseSnapshot } from '../restore/chooseFiles.ts';
import { existingFiles } from '../restore/recoveryOptions.ts';
import type { restoreFilesSpec } from '../specs/restoreFiles.ts';

type FilesInvocation = Invocation<typeof restoreFilesSpec>;

export const run: CommandRun<typeof restoreFilesSpec> = async (ctx, invocation) => {
  const { options } = invocation;
  const existing = existingFiles(options);
  if (options.targetDir !== undefined || !options.inPlace) chooseDestination(options, undefined);
  const repository = await openRepository(ctx, invocation);
  await withReadLock(ctx, repository, {
    ...readLock(invocation),
    run: async (locked) => {
      const { snapshot: text, path } = parseSnapshotPath(invocation.arguments[0]!);
      const snapshot = await chooseSnapshot(locked, repository, { text, path, source: options.source });
      const chosen = await chooseFiles(locked, repository, { snapshot, path, patterns: options.path });
      const destination = resolve(chooseDestination(options, chosen.origin));
      const plan = await planRestore(locked, repository, {
        treeId: snapshot.tree,
        ...(chosen.path === '' ? {} : { subPath: chosen.path }),
        destination,
        existing,
        ...chosen.selection,
      });
      if (options.path.length > 0) requireMatch(plan, options.path);
      const restore = {
        repository,
        snapshot,
        plan,
        fields: { snapshot_id: snapshot.id, path: `/${chosen.path}`, target_dir: destination },
      };
      if (options.dryRun) printPlan(invocation, restore);
      else await apply(locked, invocation, restore);
    },
  });
};

interface FilesRestore {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  readonly plan: RestorePlan;
  /** What every result says. */
  readonly fields: { readonly snapshot_id: string; readonly path: string; readonly target_dir: string };
}

async function apply(
  ctx: Context,
  { options: { threads, verify }, printer }: FilesInvocation,
  { repository, snapshot, plan, fields }: FilesRestore,
): Promise<void> {
  const beganMs = ctx.clock.monotonicMs();
  const options = { progress: printer.progress, ...(threads === undefined ? {} : { threads }) };
  const result = await applyRestore(ctx, repository, plan, options);
  const verified = verify ? await verifyRestored(ctx, repository, plan, options) : undefined;
  printer.end(true);
  for (const refused of result.refused) printer.warn(`not restored: ${visible(refused)}`);
  const ms = ctx.clock.monotonicMs() - beganMs;
  if (verified !== undefined && verified.different.length > 0) throw notAsStored(verified.different);
  const counts = { ...sizes(plan), bytes_unchanged: result.equalBytes, bytes_fetched: result.fetchedBytes };
  printer.result('restored', { ...fields, ...counts, verified: verify, seconds: ms / 1000 }, () => {
    const what = `${sizeText(plan)}${keptText(result)} of ${originText(snapshot)}`;
    const proof = verify ? ', read back and compared' : '';
    return `restored ${what} to ${fields.target_dir} in ${formatDuration(ms)}${proof}`;
  });
  if (process.getuid?.() !== 0) printer.remark('  all belongs to you: only root restores owners');
  if (result.refused.length > 0) throw notRestored(result.refused);
}

/** Throws `restore-incomplete` when the repository lacks something of it. */
function printPlan({ printer }: FilesInvocation, { snapshot, plan, fields }: FilesRestore): void {
  const compared = plan.files.filter((file) => file.exists).length;
  const replaced = plan.obstacles.map((path) => Buffer.from(path, 'latin1').toString());
  printer.result('plan', { ...fields, ...sizes(plan), files_compared: compared, replaced }, () => {
    const lines = [`would restore ${sizeText(plan)} of ${originText(snapshot)} to ${fields.target_dir}`];
    if (compared > 0)
      lines.push(`  ${plural(compared, 'file')} there already: compared, and rewritten where different`);
    for (const path of replaced) lines.push(`  would replace ${visible(path)}`);
    return lines.join('\n');
  });
  const [first] = plan.problems;
  if (first === undefined) return;
  for (const { problem } of plan.problems) printer.warn(`cannot be restored: ${visible(problem)}`);
  throw new OperationError('restore-incomplete', `the repository lacks a part of it: ${first.problem}`, {
    hint: 'what is good would be restored all the same; run `understudy check --read-data`, or take another snapshot',
    detail: { problems: plan.problems },
  });
}

function requireMatch({ files, specials, directories, hardLinks }: RestorePlan, patterns: readonly string[]): void {
  if (files.length + specials.length + hardLinks.length > 0 || directories.length > 1) return;
  throw new OperationError('not-found', `nothing in the snapshot matches ${patterns.join(', ')}`, {
    hint: 'a pattern without a slash in front matches at any depth: `*.env`, `config/*.toml`; see `understudy ls -R`',
  });
}

function notRestored(refused: readonly string[]): OperationError {
  return new OperationError(
    'restore-incomplete',
    `${plural(refused.length, 'device or attribute', 'devices and attributes')} could not be restored`,
    {
      hint: 'all else is in place; for these run as root, on a file system that can hold them',
      detail: { refused },
    },
  );
}

function notAsStored(different: readonly string[]): OperationError {
  const names = different.map((path) => Buffer.from(path, 'latin1').toString());
  return new OperationError(
    'restore-incomplete',
    `${plural(names.length, 'file')} read back differently: ${names[0]}`,
    {
      hint: 'does something else write there, and is the disk sound? Restore again with --delta --verify',
      detail: { different: names },
    },
  );
}

function sizes({ files, hardLinks, specials, totalBytes }: RestorePlan): Record<string, number> {
  return { files: files.length + hardLinks.length + specials.length, bytes_total: totalBytes };
}

function sizeText(plan: RestorePlan): string {
  const { files, bytes_total: bytes } = sizes(plan) as { files: number; bytes_total: number };
  return `${plural(files, 'file')}, ${formatBytes(bytes)}`;
}

/** The snapshot as a person tells it from others. */
function originText({ id, time, hostname }: Snapshot): string {
  return `${id.slice(0, 8)} (${formatUtc(time.ns).slice(0, 19).replace('T', ' ')}, ${hostname})`;
}

function keptText({ equalBytes }: RestoreResult): string {
  return equalBytes === 0 ? '' : ` (${formatBytes(equalBytes)} were there already)`;
}
