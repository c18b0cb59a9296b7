import { describe, expect, test } from 'vitest';
import { exposureOf } from './exposure.ts';
import { ago, backup, hourMs, minuteMs, now, sourceFacts, walFacts } from '../testing/monitorFacts.ts';
import { verdictOf } from './fixture/verdicts.ts';

const critical = { name: 'critical', rpoMs: hourMs, rtoMs: hourMs };

describe('WAL', () => {
  test.each([
    [walFacts(), 'ok'],
    [walFacts({ gaps: ['0/3000000 to 0/4000000 of timeline 1'], backupNeeded: true }), 'critical'],
    [walFacts({ gaps: ['0/3000000 to 0/4000000 of timeline 1'] }), 'info'],
    [walFacts({ backupNeeded: true }), 'critical'],
    [undefined, 'info'],
    [walFacts({ behindBackup: true }), 'warning'],
    [walFacts({ server: { state: 'unreachable', reason: 'no route' } }), 'info'],
    [{ unreadable: 'a segment is damaged' }, 'unknown'],
  ] as const)('%o', (wal, severity) => {
    expect(verdictOf('wal', { kind: 'postgres', wal })).toMatch(new RegExp(`^${severity}:`));
  });
});

describe('the server', () => {
  const well = { isAnotherCluster: false, archivingFails: undefined };

  test('that holds another cluster is not backed up, however new the backups', () => {
    const facts = { kind: 'postgres', server: { ...well, isAnotherCluster: true }, wal: walFacts() } as const;
    expect(verdictOf('server', facts)).toMatch(/^critical: .*there is no backup of what it holds/);
    expect(exposureOf(sourceFacts(facts), now)).toBeUndefined();
    expect(verdictOf('server', { ...facts, server: well })).toMatch(/^ok/);
  });

  test('that fails to archive says since when', () => {
    const archivingFails = { segment: '000000010000000000000007', lastSuccess: ago(hourMs), waitingFiles: 3 };
    expect(verdictOf('server', { kind: 'postgres', server: { ...well, archivingFails } })).toBe(
      'warning: the server fails to archive WAL (000000010000000000000007); ' +
        'it last succeeded 2026-11-22 11:00 UTC; files that wait: 3',
    );
  });
});

test('without any WAL what would be lost is counted from the backup', () => {
  const facts = { kind: 'postgres', backups: [backup({ time: ago(30 * minuteMs) })] } as const;
  expect(verdictOf('exposure', facts, { tier: critical })).toBe(
    'ok: if it were lost now, 30 min would be lost; tier critical allows 1 h',
  );
  expect(verdictOf('wal', facts)).toBe('info: no WAL is archived: only the backups themselves can be restored');
  expect(verdictOf('wal', {})).toBe('nothing');
});

test('WAL of a backup that was made just now may be on its way', () => {
  const backups = [backup({ time: ago(minuteMs) })];
  expect(verdictOf('wal', { kind: 'postgres', backups, wal: walFacts({ behindBackup: true }) })).toMatch(/^ok/);
});
