import type { RecoveryLimits } from '../../postgres/controlFile.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { RecoveryTarget } from '../../postgres/recoverySettings.ts';
import type { TimelineId } from '../../postgres/timeline.ts';

export interface SandboxRecovery {
  readonly target: RecoveryTarget;
  readonly inclusive: boolean;
  readonly timeline: TimelineId;
}

/**
 * Settings of a server that recovers a copy and must not act on the world: it archives nothing, follows nobody, loads
 * no library that the cluster preloads, runs no background job of anybody, and changes nothing by itself.
 */
export function sandboxSettings(options: {
  readonly major: number;
  readonly limits: RecoveryLimits;
  readonly recovery: SandboxRecovery;
  readonly restoreCommand: string;
}): Record<string, string> {
  const { major, limits, recovery, restoreCommand } = options;
  return {
    // the copy stays a copy
    archive_mode: 'off',
    archive_command: '',
    ...(major >= 15 ? { archive_library: '' } : {}),
    primary_conninfo: '',
    primary_slot_name: '',
    synchronous_standby_names: '',
    archive_cleanup_command: '',
    recovery_end_command: '',
    recovery_min_apply_delay: '0',
    // nothing of the cluster's own runs
    shared_preload_libraries: '',
    session_preload_libraries: '',
    local_preload_libraries: '',
    max_logical_replication_workers: '0',
    autovacuum: 'off',
    ...(major >= 17 ? { event_triggers: 'off' } : {}),
    jit: 'off',
    // recovery compares these with what the backup's server had (facts in its pg_control)
    hot_standby: 'on',
    max_connections: String(limits.maxConnections),
    max_worker_processes: String(limits.maxWorkerProcesses),
    max_wal_senders: String(limits.maxWalSenders),
    max_prepared_transactions: String(limits.maxPreparedTransactions),
    max_locks_per_transaction: String(limits.maxLocksPerTransaction),
    // as modest as the machine may be
    shared_buffers: '128MB',
    huge_pages: 'off',
    ...(major >= 15 ? { allow_in_place_tablespaces: 'on' } : {}),
    // damage is to be seen
    zero_damaged_pages: 'off',
    ignore_checksum_failure: 'off',
    ignore_system_indexes: 'off',
    restore_command: restoreCommand,
    recovery_target_action: 'promote',
    recovery_target_timeline: String(recovery.timeline),
    recovery_target_inclusive: recovery.inclusive ? 'on' : 'off',
    ...targetSetting(recovery.target),
  };
}

function targetSetting(target: RecoveryTarget): Record<string, string> {
  switch (target.kind) {
    case 'latest':
      return {};
    case 'immediate':
      return { recovery_target: 'immediate' };
    case 'time':
      return { recovery_target_time: target.time };
    case 'lsn':
      return { recovery_target_lsn: formatLsn(target.lsn) };
    case 'xid':
      return { recovery_target_xid: String(target.xid) };
    case 'name':
      return { recovery_target_name: target.name };
  }
}
