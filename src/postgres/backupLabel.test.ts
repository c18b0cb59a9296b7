import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBackupLabel, parseBackupLabel } from './backupLabel.ts';
import { toLsn } from './lsn.ts';
import { toTimelineId } from './timeline.ts';
import { segmentNameAt } from './walSegment.ts';

const fromPostgres13 = `START WAL LOCATION: 0/2000028 (file 000000010000000000000002)
CHECKPOINT LOCATION: 0/2000060
BACKUP METHOD: streamed
BACKUP FROM: master
START TIME: 2026-11-22 10:47:03 CET
LABEL: nightly: of a 'primary'
START TIMELINE: 1
`;

test('a label of PostgreSQL 13', () => {
  expect(parseBackupLabel(fromPostgres13)).toEqual({
    startLsn: 0x2000028n,
    startSegment: '000000010000000000000002',
    checkpointLsn: 0x2000060n,
    startTimeline: 1,
    from: 'primary',
    startTime: '2026-11-22 10:47:03 CET',
    label: "nightly: of a 'primary'",
  });
  expect(formatBackupLabel(parseBackupLabel(fromPostgres13))).toBe(fromPostgres13.replace('master', 'primary'));
});

test('every label survives text', () => {
  const lsn = fc.bigInt(0n, 0xffff_ffff_ffff_ffffn).map(toLsn);
  const timeline = fc.integer({ min: 1, max: 0xffff_ffff }).map(toTimelineId);
  const line = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\n'));
  fc.assert(
    fc.property(lsn, timeline, line, fc.constantFrom('primary', 'standby'), (startLsn, startTimeline, label, from) => {
      const startSegment = segmentNameAt(startTimeline, startLsn, 16 * 1024 * 1024);
      const whole = { startLsn, startSegment, checkpointLsn: startLsn, startTimeline, from, startTime: 'now', label };
      expect(parseBackupLabel(formatBackupLabel(whole))).toEqual(whole);
    }),
  );
});

test.each([
  ['START WAL LOCATION', /^START WAL.*\n/],
  ['START WAL LOCATION', / \(file .*\)/],
  ['CHECKPOINT LOCATION', /0\/2000060/],
  ['START TIMELINE', /TIMELINE: 1/],
  ['LABEL', /LABEL/],
])('a label with a damaged %s', (line, part) => {
  expect(() => parseBackupLabel(fromPostgres13.replace(part, ''))).toThrow(
    expect.objectContaining({ code: 'backup-invalid', detail: { line } }),
  );
});

test('a timeline that is not the segment’s', () => {
  expect(() => parseBackupLabel(fromPostgres13.replace('TIMELINE: 1', 'TIMELINE: 2'))).toThrow('START TIMELINE');
});
