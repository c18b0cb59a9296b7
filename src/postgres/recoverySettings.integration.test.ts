// needs PostgreSQL's client programs
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedBinaries, embeddedMajors, Scratch } from './fixture/cluster.ts';
import { autoConfPath, withRecoverySettings } from './recoverySettings.ts';

test.each(embeddedMajors)('PostgreSQL %d reads the settings as they were meant', (major) => {
  using scratch = new Scratch();
  const binaries = embeddedBinaries(major);
  const dataDirectory = scratch.initdb(binaries, 'data');
  appendFileSync(
    join(dataDirectory, 'postgresql.conf'),
    "recovery_target_name = 'forgotten'\nrecovery_target_timeline = '7'\nrecovery_min_apply_delay = '1h'\n",
  );
  const restoreCommand = `C:\\odd '%p' "%f" \\n #é\n;`;
  const text = withRecoverySettings("recovery_target_xid = '5'\n", {
    restoreCommand,
    target: { kind: 'time', time: '2026-11-22 10:42:00+01' },
    timeline: 'latest',
    inclusive: false,
    action: 'shutdown',
  });
  writeFileSync(join(dataDirectory, autoConfPath), text);
  const valueOf = (name: string) => scratch.run(join(binaries, 'postgres'), ['-D', dataDirectory, '-C', name]);
  expect(valueOf('restore_command')).toBe(`${restoreCommand}\n`);
  expect(valueOf('recovery_target_time')).toBe('2026-11-22 10:42:00+01\n');
  expect(valueOf('recovery_target_name')).toBe('\n');
  expect(valueOf('recovery_target_timeline')).toBe('latest\n');
  expect(valueOf('recovery_target_inclusive')).toBe('off\n');
  expect(valueOf('recovery_min_apply_delay')).toBe('0\n');
});
