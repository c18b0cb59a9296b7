import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSystemIdentifier } from '../postgres/systemIdentifier.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import type { WalSegmentName } from '../postgres/walSegment.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { acknowledge, identityOf } from './push/acknowledgement.ts';
import { composeArchiveCommand, composeRestoreCommand } from './shellCommand.ts';

const segment = '000000010000000000000005';
/** A name with everything that a shell or PostgreSQL could take for something else. */
const awkward = `it's 100% "ours" $HOME \`id\` \\ ä; *`;
let directory: TempDir;
let program: [string, string];

beforeAll(async () => {
  directory = await tempDir();
  mkdirSync(directory.join(awkward));
  const script = directory.join(awkward, 'print.cjs');
  writeFileSync(script, 'process.stdout.write(JSON.stringify(process.argv.slice(2)))');
  program = [process.execPath, script];
});
afterAll(() => directory[Symbol.asyncDispose]());

/** As PostgreSQL does it: placeholders replaced, then handed to the shell. */
function runAsServer(command: string, places: Readonly<Record<string, string>>) {
  const line = command.replaceAll(/%(.)/g, (_all, letter: string) => (letter === '%' ? '%' : (places[letter] ?? '?')));
  const { status, stdout } = spawnSync('/bin/sh', ['-c', line], { cwd: directory.path, encoding: 'utf8' });
  return { status, words: stdout === '' ? undefined : (JSON.parse(stdout) as string[]) };
}

test('words arrive as they were given, whatever is in them', () => {
  const options = { program, commonArguments: ['--config', awkward], cluster: parseSystemIdentifier('42') };
  const push = runAsServer(composeArchiveCommand(options), { p: `pg_wal/${segment}` });
  expect(push.words).toEqual(['wal', 'push', '--config', awkward, '--cluster', '42', `pg_wal/${segment}`]);
  const get = composeRestoreCommand({
    ...options,
    spool: directory.join(awkward, 'spool'),
    timeline: toTimelineId(3),
    endAt: segment as WalSegmentName,
  });
  expect(runAsServer(get, { f: segment, p: 'pg_wal/RECOVERYXLOG' }).words).toEqual([
    ...'wal get --config'.split(' '),
    awkward,
    '--spool',
    directory.join(awkward, 'spool'),
    ...`--cluster 42 --timeline 3 --end-at ${segment} ${segment} pg_wal/RECOVERYXLOG`.split(' '),
  ]);
  expect(() => composeArchiveCommand({ program, spool: '/a\nb' })).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('only an acknowledgement of exactly this version of the file stands for it', () => {
  const spool = directory.join(awkward);
  const path = directory.join(segment);
  const command = composeArchiveCommand({ program, spool });
  const asksUs = () => runAsServer(command, { f: segment, p: path }).words !== undefined;
  writeFileSync(path, 'wal');
  expect(asksUs(), 'without an acknowledgement').toBe(true);
  acknowledge(spool, segment, identityOf(path));
  expect(asksUs(), 'acknowledged').toBe(false);
  for (const seconds of [-3600, -0.001, 0.001, 3600]) {
    const time = Number(identityOf(path).mtimeNs / 1000n) / 1e6;
    utimesSync(path, time, time + seconds);
    expect(asksUs(), `written ${seconds} s later, by a clock that may have been set`).toBe(true);
    acknowledge(spool, segment, identityOf(path));
    expect(asksUs()).toBe(false);
  }
});

test('a segment in the spool is moved, without us', () => {
  const spool = directory.join(awkward, 'fetched');
  mkdirSync(`${spool}/ready`, { recursive: true });
  writeFileSync(`${spool}/ready/${segment}`, 'wal');
  const command = composeRestoreCommand({ program, spool });
  const target = directory.join('RECOVERYXLOG');
  expect(runAsServer(command, { f: segment, p: target })).toEqual({ status: 0, words: undefined });
  expect(readFileSync(target, 'utf8')).toBe('wal');
  expect(existsSync(`${spool}/ready/${segment}`)).toBe(false);
  expect(runAsServer(command, { f: segment, p: target }).words?.slice(-2)).toEqual([segment, target]);
});

test.each([undefined, 'spool'])('while the program is not there recovery stops, with spool %s', (name) => {
  const spool = name === undefined ? undefined : directory.join(awkward, name);
  const [node, script] = program;
  const withVariable: [string, ...string[]] = ['/usr/bin/env', 'NAME=value', node, script];
  for (const called of [program, withVariable]) {
    const command = composeRestoreCommand({ program: called, spool });
    renameSync(script, `${script}.away`);
    try {
      expect(runAsServer(command, { f: segment, p: 'x' })).toEqual({ status: 127, words: undefined });
    } finally {
      renameSync(`${script}.away`, script);
    }
    expect(runAsServer(command, { f: segment, p: 'x' }).words?.slice(-2)).toEqual([segment, 'x']);
  }
});
