import type { Context } from '../../base/context.ts';
import { errorMessage, InvariantError, isOperationError } from '../../base/errors.ts';
import type { SourceKind } from '../../config/schema.ts';
import type { Repository } from '../../repository/repository.ts';
import { backUpSource, type SourceRun } from '../backup/backUp.ts';
import { severalFailed } from '../backup/severalFailed.ts';
import { requireAssertions, verifyBackup } from '../backup/verifyBackup.ts';
import { chooseSources } from '../chooseSources.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { anyFlag } from '../postgresSource.ts';
import type { backupSpec } from '../specs/backup.ts';

type BackupInvocation = Invocation<typeof backupSpec>;

export const run: CommandRun<typeof backupSpec> = async (ctx, invocation) => {
  const { options, arguments: names } = invocation;
  const { host, port, user, database } = options;
  const flagged = anyFlag({ host, port, user, database });
  const repository = await beginOpening(ctx, invocation);
  const sources = chooseSources(await invocation.loadConfig(), { names, flagged });
  if (options.verify === '5') requireAssertions(sources);
  const { compression, packSizeBytes } = await invocation.repositorySettings();
  const named = { ...invocation, options: { ...options, tag: tagsOf(options) } };
  const settings = { options: named.options, upload: { compression, packSizeBytes }, lock: lockWait(invocation) };
  const failures: unknown[] = [];
  for (const source of sources) {
    try {
      await backUpAndVerify(ctx, { invocation: named, repository, settings, ...source });
    } catch (error) {
      if (error instanceof InvariantError || ctx.signal.aborted || sources.length === 1) throw error;
      failures.push(error);
      warnOf(named, source.name, error);
    }
  }
  if (failures.length > 0) throw severalFailed(failures, sources.length);
};

/** A backup of which something is missing is verified as well; when both go wrong the worse of them is thrown. */
async function backUpAndVerify(ctx: Context, sourceRun: SourceRun<SourceKind>): Promise<void> {
  const { invocation, repository, name } = sourceRun;
  const verify = async (snapshot: string): Promise<void> => {
    if (invocation.options.verify === undefined) return;
    await verifyBackup(ctx, invocation, { repository: await repository.opening, source: name, snapshot });
  };
  let snapshot: string;
  try {
    snapshot = await backUpSource(ctx, sourceRun);
  } catch (error) {
    const made = isOperationError(error) ? error.detail['snapshot'] : undefined;
    if (typeof made !== 'string' || invocation.options.verify === undefined || ctx.signal.aborted) throw error;
    warnOf(invocation, name, error);
    await verify(made);
    throw error;
  }
  await verify(snapshot);
}

function warnOf({ printer }: BackupInvocation, source: string, error: unknown): void {
  const hint = isOperationError(error) && error.hint !== undefined ? ` (${error.hint})` : '';
  printer.warn(`${source}: ${errorMessage(error)}${hint}`);
}

function tagsOf({ name, tag }: BackupInvocation['options']): string[] {
  return name === undefined ? [...tag] : [`name:${name}`, ...tag];
}

/**
 * Deriving the key takes as long as everything before the first byte is read, so both go on together; but nobody is
 * asked for a password meanwhile, or before the configuration is known to be right.
 */
async function beginOpening(
  ctx: Context,
  invocation: BackupInvocation,
): Promise<{ readonly opening: Promise<Repository> }> {
  const { password } = await invocation.repositorySettings();
  if (password.kind === 'none') await invocation.loadConfig();
  const { promise: deriving, resolve: onDeriving } = Promise.withResolvers<void>();
  const opening = openRepository(ctx, invocation, onDeriving);
  opening.catch(() => undefined); // whoever waits for it sees the error
  await (password.kind === 'none' ? opening : Promise.race([deriving, opening]));
  return { opening };
}
