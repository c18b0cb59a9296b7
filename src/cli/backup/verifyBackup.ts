import type { Context } from '../../base/context.ts';
import { isOperationError, OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Level } from '../../verify/proof.ts';
import { verifySnapshot } from '../../verify/verifySnapshot.ts';
import type { NamedSource } from '../chooseSources.ts';
import type { Invocation } from '../command.ts';
import { lockWait } from '../openRepository.ts';
import { sandboxOptions } from '../restore/sandboxOptions.ts';
import type { backupSpec } from '../specs/backup.ts';
import { assertionsOf } from '../verify/assertionsOf.ts';
import { runVerification } from '../verify/runVerification.ts';

interface MadeBackup {
  readonly repository: Repository;
  readonly source: string;
  /** Id of its snapshot. */
  readonly snapshot: string;
}

/** Throws `usage` before anything is backed up that could not be verified to level 5. */
export function requireAssertions(sources: readonly NamedSource[]): void {
  const none = sources.filter(({ config }) => config.verify.assertions.length === 0).map(({ name }) => name);
  if (none.length === 0) return;
  throw new OperationError('usage', `--verify 5: nothing is asserted about ${none.join(', ')}`, {
    hint: '--verify alone goes as far as it makes sense for each source; or add sources.*.verify.assertions',
  });
}

/** Verifies a backup that was just made, as `understudy verify` does. Throws `verification-...`: the backup is kept. */
export async function verifyBackup(
  ctx: Context,
  invocation: Invocation<typeof backupSpec>,
  { repository, source, snapshot }: MadeBackup,
): Promise<void> {
  const { options, printer } = invocation;
  const { config } = await invocation.loadConfig();
  const verification = {
    selector: { text: snapshot },
    level: options.verify === 'highest' ? undefined : (Number(options.verify) as Level),
    assertionsOf: (name: string) => assertionsOf(config, name),
    sandbox: await sandboxOptions(invocation, undefined),
    lock: lockWait(invocation),
    progress: printer.progress,
  };
  try {
    const verify = (at: Context, from: Repository) => verifySnapshot(at, from, verification);
    await runVerification(ctx, invocation, { repository, verify });
  } catch (error) {
    if (!isOperationError(error, 'verification-failed', 'verification-inconclusive')) throw error;
    throw new OperationError(error.code, `${source} was backed up, but ${error.message}`, {
      hint: `${error.hint ?? 'see above'}; the snapshot is kept`,
      detail: { ...error.detail, snapshot },
      cause: error,
    });
  }
}
