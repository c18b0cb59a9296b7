import { tmpdir } from 'node:os';
import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { requireInstallation } from '../../postgres/installations.ts';
import type { OsUser } from '../../postgres/runProgram.ts';
import { chooseRuntimeUser } from '../../postgres/runtimeUser.ts';
import { removeOrphans } from '../../postgres/scratchDirectory.ts';
import type { RecoveryEnd } from '../../postgres/serverProcess.ts';
import { majorOfServerVersion } from '../../postgres/version.ts';
import { withReadLock } from '../../repository/readLock.ts';
import type { Repository } from '../../repository/repository.ts';
import { applyRecovery } from '../../restore/applyRecovery.ts';
import { planRecovery, type RecoveryPlan } from '../../restore/planRecovery.ts';
import { describeTarget, parseRecoveryTarget } from '../../restore/recoveryTarget.ts';
import { loadRecordFacts } from '../../retention/sourceRecord.ts';
import { runRecovery } from '../../restore/runRecovery.ts';
import { defineStepKind, type StepEnvironment } from '../stepKind.ts';
import { resticRestore, shellWord } from './byHand.ts';
import { destinationShape, stepDestination, type StepDestination } from './destination.ts';
import { tellUnlocked } from './tellUnlocked.ts';

const targetShape = {
  time: z.string().optional().describe('Recover to this time, with a zone. Default: the newest archived point.'),
  lsn: z.string().optional().describe('Recover to this WAL position.'),
  xid: z.string().optional().describe('Recover to this transaction.'),
  name: z.string().optional().describe('Recover to this restore point.'),
  immediate: z.boolean().default(false).describe('Recover to the end of the backup only.'),
};

/** Restores a physical backup and recovers it to its target, in private; its server is left stopped. */
export const restoreClusterKind = defineStepKind({
  name: 'restore-cluster',
  shape: {
    ...destinationShape,
    source: z.string().min(1).optional().describe('Whose backup; needed where there are several.'),
    snapshot: z.string().min(1).optional().describe('Backup to start from; default the newest that fits.'),
    target: z.strictObject(targetShape).prefault({}).describe('How far to recover.'),
    serverUser: z.string().min(1).optional().describe('Operating system user that runs the server.'),
  },
  repeatable: () => true,
  check: ({ target }) => targetProblems(target),
  run: async (ctx, options, step) => {
    if (step.attempt > 1) await removeOrphans(ctx, tmpdir()); // a server of the former attempt may still recover
    const repository = await step.services.repository(ctx);
    const { plan, bytes, owner, destination, flaw } = await restore(ctx, repository, { options, step });
    const restoredAt = ctx.clock.now().toISOString();
    const major = majorOfServerVersion(plan.backup.record.serverVersion);
    const directories = await step.services.postgresBinaries();
    const installation = await requireInstallation(ctx, major, { directories, programs: ['postgres'] });
    const end = await runRecovery(ctx, plan, { installation, user: owner });
    destination.end(); // not before: another attempt goes on with the files, also when this one died in recovery
    return { summary: `recovered to ${formatLsn(end.lsn)}`, facts: { ...facts(plan, end), restoredAt, bytes, flaw } };
  },
  byHand: ({ source, snapshot = 'latest', destination }) => {
    const path = `/${source ?? '<source>'}/pgdata`;
    const target = `${destination}.restored`; // beside it: a move, not a copy
    const directory = shellWord(destination);
    return [
      resticRestore({ snapshot, kind: 'postgres', source, path, target }),
      `mv -T ${shellWord(`${target}${path}`)} ${directory}`,
      `chown -R postgres: ${directory} && chmod 700 ${directory}`,
      `runuser -u postgres -- pg_ctl start -w -D ${directory}  # consistent at the end of the backup`,
    ].join('\n');
  },
});

interface ClusterOptions {
  readonly destination: string;
  readonly existing: StepDestination['existing'];
  readonly source?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly serverUser?: string | undefined;
  readonly target: Parameters<typeof parseRecoveryTarget>[0];
}

interface Restored {
  readonly plan: RecoveryPlan;
  readonly bytes: number;
  readonly owner: OsUser | undefined;
  readonly destination: StepDestination;
  /** Why the backup is no whole one; null when it is. */
  readonly flaw: string | null;
}

function restore(
  ctx: Context,
  repository: Repository,
  { options, step }: { readonly options: ClusterOptions; readonly step: StepEnvironment },
): Promise<Restored> {
  const destination = stepDestination(options, step);
  return withReadLock(ctx, repository, {
    onUnlocked: tellUnlocked(step),
    run: async (locked) => {
      const plan = await planRecovery(locked, repository, {
        target: parseRecoveryTarget(options.target),
        timeline: 'latest',
        inclusive: true,
        action: 'promote',
        source: options.source,
        snapshot: options.snapshot,
        destination: destination.path,
        existing: destination.existing,
      });
      const configured = options.serverUser === undefined ? {} : { configured: options.serverUser };
      const owner = await chooseRuntimeUser(locked, { ...configured, dataDirectory: plan.destination.path });
      const access = plan.wal.from === 'archive' ? await step.services.walAccess(locked, plan, owner) : undefined;
      destination.begin();
      const result = await applyRecovery(locked, repository, plan, {
        restoreCommand: access?.command,
        storeKey: access?.storeKey ?? false,
        owner,
      });
      const { leaseFailure } = result;
      if (leaseFailure !== undefined)
        step.output(`no prune is kept from WAL that this recovery needs: ${leaseFailure.message}`);
      for (const refused of result.refused) step.output(`not restored: ${refused}`);
      const { flaw } = await loadRecordFacts(locked, repository, plan.backup.snapshot);
      return { plan, bytes: result.totalBytes, owner, destination, flaw: flaw?.reason ?? null };
    },
  });
}

function facts({ backup, request, destination }: RecoveryPlan, end: RecoveryEnd) {
  const { record, snapshot, systemIdentifier } = backup;
  return {
    snapshot: snapshot.id,
    source: record.source,
    systemIdentifier: String(systemIdentifier),
    serverVersion: record.serverVersionText,
    timeline: end.timeline,
    target: describeTarget(request.target, request.inclusive),
    recoveredToLsn: formatLsn(end.lsn),
    consistentAt: end.lastCommit ?? record.stopTime,
    stoppedAt: end.stoppedAt ?? null,
    dataDirectory: destination.path,
  };
}

function targetProblems(target: ClusterOptions['target']) {
  try {
    parseRecoveryTarget(target);
    return [];
  } catch (error) {
    if (!isOperationError(error, 'target-invalid')) throw error;
    return [{ path: ['target'], message: error.message }];
  }
}
