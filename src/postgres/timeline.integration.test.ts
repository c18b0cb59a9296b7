// needs PostgreSQL's client programs
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Scratch, systemBinaries } from './fixture/cluster.ts';
import { RunningServer } from './fixture/server.ts';
import { parseLsn, type Lsn } from './lsn.ts';
import { parseTimelineHistory, timelineAncestry, timelineHistoryFileName, toTimelineId } from './timeline.ts';
import { checkWalSegment } from './walPage.ts';
import { defaultWalSegmentBytes, isWalSegmentName, segmentNamesAlong } from './walSegment.ts';

const scratch = new Scratch();
const archive = join(scratch.path, 'archive');
let early: Lsn;
let late: Lsn;

/**
 * Timeline 1 with two restore points; timeline 2 leaves it at the late one; timeline 3 aims at timeline 2 and stops at
 * the early one, before timeline 2 began. All archive into one directory.
 */
beforeAll(() => {
  scratch.run('mkdir', [archive]);
  const primary = scratch.initdb(systemBinaries, 'primary');
  const cold = join(scratch.path, 'cold');
  scratch.run('cp', ['-a', primary, cold]);
  {
    using server = new RunningServer(scratch, primary, { settings: archiving });
    server.sql('CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
    early = parseLsn(server.sql("SELECT pg_create_restore_point('early')"));
    server.sql('INSERT INTO t SELECT generate_series(1, 1000); SELECT pg_switch_wal(); INSERT INTO t VALUES (1)');
    late = parseLsn(server.sql("SELECT pg_create_restore_point('late')"));
    server.sql('SELECT pg_switch_wal()');
  }
  recover(cold, 'two', 'late');
  recover(cold, 'three', 'early');
});

afterAll(() => scratch[Symbol.dispose]());

const archiving = { archive_mode: 'on', archive_command: `cp %p ${archive}/%f` };

function recover(cold: string, name: string, target: string): void {
  const dataDirectory = join(scratch.path, name);
  scratch.run('cp', ['-a', cold, dataDirectory]);
  scratch.run('touch', [join(dataDirectory, 'recovery.signal')]);
  const settings = {
    ...archiving,
    restore_command: `cp ${archive}/%f %p`,
    recovery_target_name: target,
    recovery_target_action: 'promote',
  };
  using server = new RunningServer(scratch, dataDirectory, { settings });
  while (server.sql('SELECT pg_is_in_recovery()') === 't') server.sql('SELECT pg_sleep(0.05)');
  server.sql('INSERT INTO t VALUES (2); SELECT pg_switch_wal()');
}

function ancestryOf(timeline: number) {
  const id = toTimelineId(timeline);
  return timelineAncestry(
    id,
    parseTimelineHistory(id, readFileSync(join(archive, timelineHistoryFileName(id)), 'utf8')),
  );
}

test('a timeline begins at the restore point that recovery stopped at', () => {
  expect(ancestryOf(2)).toEqual([
    { timeline: 1, begin: 0n, end: late },
    { timeline: 2, begin: late, end: undefined },
  ]);
});

test('a recovery that stops before its target timeline began names it as parent and has nothing of it', () => {
  const text = readFileSync(join(archive, '00000003.history'), 'utf8');
  expect(parseTimelineHistory(toTimelineId(3), text)).toMatchObject([
    { parent: 1, switchPoint: late, reason: expect.stringContaining('late') },
    { parent: 2, switchPoint: early, reason: expect.stringContaining('early') },
  ]);
  expect(ancestryOf(3)).toEqual([
    { timeline: 1, begin: 0n, end: early },
    { timeline: 3, begin: early, end: undefined },
  ]);
});

test('the archive has a sound segment under each name along the ancestry', () => {
  const names = readdirSync(archive).filter(isWalSegmentName);
  for (const timeline of [2, 3]) {
    const ancestry = ancestryOf(timeline);
    const end = ancestry.at(-1)?.begin as Lsn;
    const along = [...segmentNamesAlong(ancestry, { begin: parseLsn('0/1000000'), end }, defaultWalSegmentBytes)];
    expect(along.at(-1)).toMatch(new RegExp(`^0000000${timeline}`));
    for (const name of along) {
      expect(names).toContain(name);
      expect(checkWalSegment(readFileSync(join(archive, name)), { name, major: 15 }).major).toBe(15);
    }
  }
});
