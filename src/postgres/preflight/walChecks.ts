import type { SqlRow } from '../sqlConnection.ts';
import { failed, ok, warning, type Check, type Finding, type Subject } from './check.ts';

const mebibyte = 1024n * 1024n;

const walLevel: Check = {
  name: 'wal_level',
  expected: 'replica or logical',
  run: ({ settings }) =>
    settings.wal_level === 'minimal'
      ? failed('minimal', 'no online backup is possible: set wal_level = replica and restart')
      : ok(settings.wal_level ?? 'unknown'),
};

const archiveMode: Check = {
  name: 'archive_mode',
  expected: 'on, where archive_command feeds the archive',
  run: ({ settings, server, options }) => {
    const mode = settings.archive_mode ?? 'off';
    if (options.wal !== 'push') return ok(mode);
    if (mode === 'off') return failed('off', 'set archive_mode = on and restart');
    if (server.inRecovery && mode !== 'always') {
      return warning(
        `${mode}, on a standby`,
        'only the primary archives: a backup here waits for its WAL, or set always',
      );
    }
    return ok(mode);
  },
};

const archiveTarget: Check = {
  name: 'archive_command',
  expected: 'exactly one of archive_command and archive_library',
  run: ({ settings, options, server }) => {
    if ((settings.archive_mode ?? 'off') === 'off') return undefined;
    const command = (settings.archive_command ?? '') !== '';
    const library = (settings.archive_library ?? '') !== '';
    if (command && library) {
      const hint = 'clear the one that is not meant: ALTER SYSTEM RESET';
      // 15 silently ignores the command, later versions archive nothing
      return server.major >= 16 ? failed('both are set', hint) : warning('both are set: the library wins', hint);
    }
    if (command || library)
      return ok(command ? 'archive_command is set' : `archive_library = ${settings.archive_library}`);
    const hint = 'pg_wal grows until the disk is full: set archive_command, or archive_mode = off';
    return options.wal === 'push' ? failed('neither is set', hint) : warning('neither is set', hint);
  },
};

const archiver: Check = {
  name: 'archiver',
  expected: 'its last attempt succeeded',
  run: async ({ sql, settings, options }) => {
    if ((settings.archive_mode ?? 'off') === 'off') return undefined;
    const row = await sql.queryOne<
      SqlRow & { failing: boolean; file: string | null; since: string | null; done: bigint }
    >(`
      SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS failing,
             last_failed_wal AS file, last_failed_time::text AS since, archived_count AS done
        FROM pg_stat_archiver`);
    if (!row.failing) return ok(row.done === 0n ? 'nothing archived yet' : `archived ${row.done} files`);
    const found = `fails on ${row.file}, last at ${row.since}`;
    const hint = 'the log of the server holds the words of archive_command; until it works pg_wal grows';
    return options.wal === 'push' ? failed(found, hint) : warning(found, hint);
  },
};

const replicationSlot: Check = {
  name: 'replication slot',
  expected: 'physical, with all its WAL; or room for one',
  run: (subject) => {
    const { options, slots, settings } = subject;
    if (options.wal !== 'receive') return undefined;
    const slot = slots.find(({ name }) => name === options.slotName);
    if (slot !== undefined) return existingSlot(slot);
    const max = Number(settings.max_replication_slots);
    const found = `${slots.length} of ${max} used`;
    if (slots.length < max) return ok(found);
    return failed(found, 'drop a slot that nobody uses, or raise max_replication_slots and restart');
  },
};

function existingSlot({ name, kind, walStatus, active }: Subject['slots'][number]): Finding {
  if (kind !== 'physical') return failed(`${name} is logical`, 'choose another slot name');
  if (walStatus === 'lost') {
    return failed(`${name} has lost its WAL`, 'drop the slot; there is a gap, so take a new base backup');
  }
  if (walStatus === 'unreserved') {
    return failed(`${name} is about to lose its WAL`, 'start the receiver now, or raise max_slot_wal_keep_size');
  }
  return ok(`${name} is ${walStatus ?? 'without WAL yet'}, ${active ? 'in use' : 'not in use'}`);
}

const slotLimit: Check = {
  name: 'max_slot_wal_keep_size',
  expected: 'a limit that fits the disk',
  run: ({ options, settings }) => {
    if (options.wal !== 'receive') return undefined;
    const limit = settings.max_slot_wal_keep_size;
    if (limit !== '-1') return ok(`${limit} MB`);
    return warning('unlimited', 'when the receiver is away the slot fills the disk: set a limit below its free space');
  },
};

const slotTimeout: Check = {
  name: 'idle_replication_slot_timeout',
  expected: '0',
  run: ({ options, settings }) => {
    const timeout = settings.idle_replication_slot_timeout;
    if (options.wal !== 'receive' || timeout === undefined) return undefined;
    if (timeout === '0') return ok('0');
    return warning(`${timeout} s`, 'a receiver that is away for longer loses its slot, and a gap opens');
  },
};

const idleSlots: Check = {
  name: 'idle slots',
  expected: 'none that keeps much WAL',
  run: ({ slots, settings }) => {
    const muchBytes = BigInt(settings.max_wal_size ?? '1024') * mebibyte;
    const idle = slots.filter(({ active, retainedBytes }) => !active && retainedBytes > muchBytes);
    if (idle.length === 0) return ok('none');
    const found = idle.map(({ name, retainedBytes }) => `${name} keeps ${retainedBytes / mebibyte} MB`).join('; ');
    return warning(found, 'if nobody will come back for it: SELECT pg_drop_replication_slot(name)');
  },
};

/** Whether WAL is written, kept and handed over. */
export const walChecks: readonly Check[] = [
  walLevel,
  archiveMode,
  archiveTarget,
  archiver,
  replicationSlot,
  slotLimit,
  slotTimeout,
  idleSlots,
];
