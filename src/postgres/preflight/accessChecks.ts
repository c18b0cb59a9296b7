import { isOperationError } from '../../base/errors.ts';
import { openReplicationConnection } from '../replicationConnection.ts';
import type { SqlRow } from '../sqlConnection.ts';
import { failed, inconclusive, ok, streams, type Check, type Subject } from './check.ts';

const backupRights: Check = {
  name: 'backup functions',
  expected: 'may be called',
  run: ({ options, role, server }) => {
    if (options.method !== 'files') return undefined;
    if (role.backupFunctions) return ok(role.superuser ? `${role.name} is superuser` : `granted to ${role.name}`);
    const functions =
      server.major >= 15
        ? 'pg_backup_start(text, boolean), pg_backup_stop(boolean)'
        : 'pg_start_backup(text, boolean, boolean), pg_stop_backup(boolean, boolean)';
    return failed(`${role.name} may not`, `GRANT EXECUTE ON FUNCTION ${functions} TO ${quoteIdentifier(role.name)}`);
  },
};

const replicationRight: Check = {
  name: 'replication right',
  expected: 'REPLICATION or superuser',
  run: (subject) => {
    if (!streams(subject)) return undefined;
    const { name, superuser, replication } = subject.role;
    if (superuser || replication) return ok(superuser ? `${name} is superuser` : `${name} has REPLICATION`);
    return failed(`${name} has neither`, `ALTER ROLE ${quoteIdentifier(name)} REPLICATION`);
  },
};

const replicationLogin: Check = {
  name: 'replication login',
  expected: 'accepted, by the same cluster',
  run: async (subject, ctx) => {
    if (!streams(subject)) return undefined;
    try {
      await using connection = await openReplicationConnection(ctx, subject.connection);
      const { systemIdentifier } = await connection.identifySystem();
      if (systemIdentifier === subject.server.systemIdentifier) return ok('accepted');
      return failed(`leads to another cluster, ${systemIdentifier}`, 'does a proxy or pooler stand between?');
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!isOperationError(error)) throw error;
      return failed(error.message, error.hint ?? 'what does the log of the server say?');
    }
  },
};

const walSenders: Check = {
  name: 'max_wal_senders',
  expected: 'enough free',
  run: async (subject) => {
    if (!streams(subject)) return undefined;
    const max = Number(subject.settings.max_wal_senders);
    const { used } = await subject.sql.queryOne<SqlRow & { used: number }>(
      'SELECT count(*)::int4 AS used FROM pg_stat_replication',
    );
    const needed = neededSenders(subject);
    const found = `${used} of ${max} used, ${needed} needed`;
    if (max - used >= needed) return ok(found);
    return failed(found, `set max_wal_senders = ${used + needed} or more, and restart`);
  },
};

const serverFilesVisible: Check = {
  name: 'settings',
  expected: 'all visible',
  run: ({ settings, role }) =>
    settings.data_directory === undefined
      ? inconclusive('paths are hidden', `GRANT pg_read_all_settings TO ${quoteIdentifier(role.name)}`)
      : ok('all visible'),
};

/** A receiver holds one all the time; a streamed base backup takes one, and one for the WAL written meanwhile. */
function neededSenders({ options, slots }: Subject): number {
  const receiverRuns = slots.some(({ name, active }) => name === options.slotName && active);
  return (options.wal === 'receive' && !receiverRuns ? 1 : 0) + (options.method === 'stream' ? 2 : 0);
}

function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Whether we may do what we are going to do. */
export const accessChecks: readonly Check[] = [
  serverFilesVisible,
  backupRights,
  replicationRight,
  replicationLogin,
  walSenders,
];
