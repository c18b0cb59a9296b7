import { OperationError } from '../../base/errors.ts';
import type { PlanRecoveryOptions } from '../../restore/planRecovery.ts';
import { parseRecoveryTarget, type RecoveryRequest } from '../../restore/recoveryTarget.ts';
import type { Invocation } from '../command.ts';
import type { OptionValues } from '../spec.ts';
import type { recoveryTargetFlags } from '../specs/recoveryTargetFlags.ts';
import type { restoreSpec } from '../specs/restore.ts';

export type RestoreInvocation = Invocation<typeof restoreSpec>;

/** What the command line asks for. Throws `usage`, `target-invalid`. */
export function recoveryOptions({ options, arguments: [snapshot] }: RestoreInvocation): PlanRecoveryOptions {
  const { action, source } = options;
  checkCombinations(options);
  return {
    ...recoveryRequest(options),
    action,
    source,
    snapshot,
    destination: requireTarget(options),
    existing: existingFiles(options),
    tablespaces: {
      map: tablespaceMap(options.tablespaceMap),
      ...(options.tablespacesIn === undefined ? {} : { directory: options.tablespacesIn }),
    },
    standby: standby(options),
    verifyWal: options.verifyWal,
  };
}

/** How far to recover. Throws `target-invalid`. */
export function recoveryRequest(options: OptionValues<typeof recoveryTargetFlags>): Omit<RecoveryRequest, 'action'> {
  const { at, lsn, xid, name, immediate, timeline, exclusive } = options;
  return {
    target: parseRecoveryTarget({ time: at, lsn, xid, name, immediate }),
    timeline,
    inclusive: !exclusive,
  };
}

type RestoreOptions = RestoreInvocation['options'];

/** The directory that everything needs. */
function requireTarget({ targetDir }: RestoreOptions): string {
  if (targetDir !== undefined) return targetDir;
  throw usage('restore needs --target-dir', 'name the directory to restore to; it need not exist');
}

export function existingFiles({
  delta,
  force,
}: Pick<RestoreOptions, 'delta' | 'force'>): PlanRecoveryOptions['existing'] {
  if (delta && force)
    throw usage('--delta and --force exclude each other', 'a delta is enough unless you distrust the files');
  if (delta) return 'delta';
  return force ? 'overwrite' : 'refuse';
}

function standby({ standby: wanted, primaryConninfo, primarySlot }: RestoreOptions): PlanRecoveryOptions['standby'] {
  if (!wanted && (primaryConninfo !== undefined || primarySlot !== undefined)) {
    throw usage('--primary-conninfo and --primary-slot are for a standby', 'say --standby too');
  }
  if (!wanted) return undefined;
  return {
    ...(primaryConninfo === undefined ? {} : { primaryConninfo }),
    ...(primarySlot === undefined ? {} : { primarySlotName: primarySlot }),
  };
}

function checkCombinations({ start, stopAfter, action, standby: wanted, dryRun }: RestoreOptions): void {
  if (stopAfter && !start) throw usage('--stop-after is for --start', 'without --start no server is started');
  if (start && dryRun) throw usage('--start and --dry-run exclude each other', 'a dry run changes nothing');
  if (start && action === 'shutdown')
    throw usage('--start waits, and action shutdown ends the server', 'say --stop-after');
  if (stopAfter && wanted) throw usage('a standby does not end recovery', 'leave out --stop-after');
}

function tablespaceMap(entries: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at < 1 || at === entry.length - 1) {
      throw usage(
        `--tablespace-map: "${entry}" is not old=new`,
        'give the old directory or the name, and the new directory',
      );
    }
    map.set(entry.slice(0, at), entry.slice(at + 1));
  }
  return map;
}

function usage(message: string, hint: string): OperationError {
  return new OperationError('usage', message, { hint });
}
