import { join, resolve } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import type { PasswordSource } from '../../config/repositorySettings.ts';
import { runProgram, type OsUser } from '../../postgres/runProgram.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RecoveryPlan } from '../../restore/planRecovery.ts';
import { spoolKeyPath, spoolPath } from '../../restore/recoveryFiles.ts';
import { composeRestoreCommand } from '../../wal/shellCommand.ts';
import type { Invocation } from '../command.ts';
import { ownProgram } from '../ownProgram.ts';

/** How a recovering server gets at the archive. */
export interface RecoveryAccess {
  readonly command: string;
  /** The password cannot be passed on: the key has to be left where the command finds it. */
  readonly storeKey: boolean;
}

export interface AccessParts {
  readonly repository: Repository;
  readonly plan: RecoveryPlan;
  readonly owner: OsUser | undefined;
}

/**
 * The restore_command for a plan, checked as far as can be: that the server's user can run this program and read the
 * repository. Throws `file-denied`, before anything is written.
 */
export async function composeRecoveryAccess(
  ctx: Context,
  invocation: Pick<Invocation, 'global' | 'repositorySettings'>,
  { repository, plan, owner }: AccessParts,
): Promise<RecoveryAccess> {
  const { location, password } = await invocation.repositorySettings();
  const program = ownProgram();
  await requireRunnable(ctx, program, owner);
  const { localDirectory } = repository.backend;
  if (localDirectory !== undefined)
    await requireReadable(ctx, join(localDirectory, 'config'), { owner, what: 'repository' });
  const passwordWords = await passwordArguments(ctx, password, owner);
  const storeKey = passwordWords === undefined;
  const words = storeKey ? ['/usr/bin/env', `UNDERSTUDY_KEY_CACHE_FILE=${spoolKeyPath}`, ...program] : program;
  const { config } = invocation.global;
  const command = composeRestoreCommand({
    program: words as [string, ...string[]],
    commonArguments: [
      ...(config === undefined ? [] : ['--config', resolve(config)]),
      '--repo',
      location,
      ...(passwordWords ?? []),
    ],
    spool: spoolPath,
    cluster: plan.backup.systemIdentifier,
    timeline: plan.standby === undefined ? plan.timeline : undefined,
  });
  return { command, storeKey };
}

/**
 * Undefined when the password was typed, or stands in a variable or the configuration: a command line is no place for
 * it.
 */
async function passwordArguments(
  ctx: Context,
  source: PasswordSource,
  owner: OsUser | undefined,
): Promise<string[] | undefined> {
  if (source.kind === 'command') return ['--password-command', source.command];
  if (source.kind !== 'file') return undefined;
  const path = resolve(source.path);
  return (await passes(ctx, ['test', '-r', path], owner)) ? ['--password-file', path] : undefined;
}

async function requireRunnable(ctx: Context, program: readonly string[], owner: OsUser | undefined): Promise<void> {
  if (await passes(ctx, [...program, 'version'], owner)) return;
  throw new OperationError('file-denied', `user ${owner?.name} cannot run ${program.join(' ')}`, {
    hint: 'the recovering server fetches WAL with it: install understudy where every user can execute it',
    detail: { program, user: owner?.name },
  });
}

async function requireReadable(
  ctx: Context,
  path: string,
  { owner, what }: { readonly owner: OsUser | undefined; readonly what: string },
): Promise<void> {
  if (await passes(ctx, ['test', '-r', path], owner)) return;
  throw new OperationError('file-denied', `user ${owner?.name} cannot read the ${what}: ${path}`, {
    hint: `the recovering server fetches WAL from it: let that user read it, or restore with --immediate`,
    detail: { path, user: owner?.name },
  });
}

/** Whether a program succeeds as the server's user; as ourselves it is taken for granted. */
async function passes(
  ctx: Context,
  [program, ...args]: readonly string[],
  owner: OsUser | undefined,
): Promise<boolean> {
  if (owner === undefined || program === undefined) return true;
  try {
    await runProgram(ctx, { program, args, user: owner });
    return true;
  } catch (error) {
    if (isOperationError(error, 'program-failed', 'program-missing')) return false;
    throw error;
  }
}
