import { kindOf, sourceOf, type SourceKind } from '../backup/sourceSnapshot.ts';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { withLock } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { findSnapshot } from '../snapshot/snapshotSelector.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { formatTimestamp } from '../snapshot/time.ts';
import type { Assertion } from './application/assertion.ts';
import { dumpVerification } from './kinds/dump.ts';
import { filesVerification } from './kinds/files.ts';
import { gitVerification } from './kinds/git.ts';
import type { KindVerification } from './kinds/kindVerification.ts';
import { logsVerification } from './kinds/logs.ts';
import { postgresVerification } from './kinds/postgres.ts';
import { CheckList } from './proof/checkList.ts';
import { composeProof, type WantedCheck } from './proof/composeProof.ts';
import { levels, type Level, type Proof } from './proof.ts';
import { checkStructure } from './repositoryChecks.ts';
import { snapshotForTarget } from './snapshotForTarget.ts';
import type { VerifySnapshotOptions } from './verifyOptions.ts';

export interface VerifiedSnapshot {
  readonly proof: Proof;
  /** Where what was restored was left, when that was asked for. */
  readonly kept?: string;
}

const verifications: Readonly<Record<SourceKind, KindVerification>> = {
  postgres: postgresVerification,
  dump: dumpVerification,
  files: filesVerification,
  logs: logsVerification,
  git: gitVerification,
};

/**
 * Verifies a backup up to a level. A bad backup is a result, and so is a bad tester; thrown is only what keeps it from
 * being found: `not-found`, `ambiguous-id`, `repository-locked`, `usage` for a snapshot that is no source's, for a
 * target of one that is no physical backup, and for level 5 without assertions, `target-invalid` and
 * `target-outside-window` for a target that no recovery reaches.
 */
export async function verifySnapshot(
  ctx: Context,
  repository: Repository,
  options: VerifySnapshotOptions,
): Promise<VerifiedSnapshot> {
  return withLock(ctx, repository, {
    ...options.lock,
    exclusive: false,
    run: async (locked) => {
      const { snapshot, kind } = await chooseBackup(locked, repository, options);
      const assertions = options.assertionsOf?.(sourceOf(snapshot)) ?? [];
      const level = chooseLevel(sourceOf(snapshot), { wanted: options.level, assertions });
      return verifyBackup(locked, kind, { repository, snapshot, level, assertions, options });
    },
  });
}

type Subject = Omit<Parameters<KindVerification['verify']>[1], 'checks'>;

/** A damaged repository does not keep the backup itself from being looked at. */
async function verifyBackup(ctx: Context, kind: SourceKind, subject: Subject): Promise<VerifiedSnapshot> {
  const { repository, snapshot, level, options } = subject;
  const { checkNames, verify } = verifications[kind];
  const { progress, threads, subset } = options;
  const startedAt = ctx.clock.now();
  const checks = new CheckList(ctx);
  await checkStructure(ctx, repository, { checks, options: { snapshot: snapshot.id, progress, threads } });
  const rehearsal = await verify(ctx, { ...subject, checks });
  const proof = composeProof(ctx, {
    level,
    subset,
    snapshot: { id: snapshot.id, kind, source: sourceOf(snapshot), time: formatTimestamp(snapshot.time) },
    startedAt,
    checks,
    wanted: wantedChecks(checkNames, subject),
    rehearsal,
  });
  return rehearsal?.kept === undefined ? { proof } : { proof, kept: rehearsal.kept };
}

function wantedChecks(
  checkNames: KindVerification['checkNames'],
  { level, assertions }: Pick<Subject, 'level' | 'assertions'>,
): WantedCheck[] {
  const names = { ...checkNames, 1: ['structure', ...checkNames[1]], 5: assertions.map(({ name }) => name) };
  return levels.filter((one) => one <= level).flatMap((one) => names[one].map((name) => ({ level: one, name })));
}

function chooseLevel(
  source: string,
  { wanted, assertions }: { readonly wanted: Level | undefined; readonly assertions: readonly Assertion[] },
): Level {
  if (wanted === 5 && assertions.length === 0) {
    throw new OperationError('usage', `nothing is asserted about source "${source}": level 5 would prove nothing`, {
      hint: `add sources.${source}.verify.assertions to the configuration, or verify to level 4`,
    });
  }
  return wanted ?? (assertions.length > 0 ? 5 : 4);
}

function withoutTargets({ id }: Snapshot, kind: SourceKind): OperationError {
  return new OperationError(
    'usage',
    `a recovery target is for physical backups, and ${id.slice(0, 8)} is of kind ${kind}`,
    {
      hint: 'leave out --at, --lsn, --xid, --name, --immediate and --timeline',
      detail: { snapshot: id, kind },
    },
  );
}

async function chooseBackup(
  ctx: Context,
  repository: Repository,
  { selector, target: wanted }: VerifySnapshotOptions,
): Promise<{ readonly snapshot: Snapshot; readonly kind: SourceKind }> {
  if (wanted === undefined) return findBackup(ctx, repository, selector);
  const id = await snapshotForTarget(ctx, repository, { selector, wanted });
  const { snapshot, kind } = await findBackup(ctx, repository, id === undefined ? selector : { text: id });
  if (kind !== 'postgres') throw withoutTargets(snapshot, kind);
  return { snapshot, kind };
}

async function findBackup(
  ctx: Context,
  repository: Repository,
  { text, source }: VerifySnapshotOptions['selector'],
): Promise<{ readonly snapshot: Snapshot; readonly kind: SourceKind }> {
  const tags = source === undefined ? ['understudy'] : ['understudy', `source:${source}`];
  const snapshot = await findSnapshot(ctx, snapshotSource(repository), { text, filter: { tags: [tags] } });
  const kind = kindOf(snapshot);
  if (kind !== undefined) return { snapshot, kind };
  throw new OperationError('usage', `snapshot ${snapshot.id.slice(0, 8)} is no backup of a source`, {
    hint: 'it was not made by understudy; verify --whole-repository reads what it holds',
    detail: { snapshot: snapshot.id },
  });
}
