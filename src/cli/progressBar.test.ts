import { expect, test } from 'vitest';
import { systemClock, type Clock } from '../base/clock.ts';
import { formatBytes, formatCount, formatDuration, formatPercent, plural } from './format.ts';
import { jsonLine } from './jsonLine.ts';
import { jsonPrinter } from './jsonPrinter.ts';
import { progressBar } from './progressBar.ts';
import { Secret } from '../base/secret.ts';
import type { Terminal } from './terminal.ts';
import { textPrinter } from './textPrinter.ts';

const mebibyte = 2 ** 20;

function setup(interactive: boolean) {
  let nowMs = 0;
  const status: string[] = [];
  const errors: string[] = [];
  const output: string[] = [];
  const terminal: Terminal = {
    interactive,
    color: false,
    width: 200,
    out: (text) => output.push(text),
    error: (text) => errors.push(text),
    setStatus: (lines) => status.push(lines.join('|')),
  };
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  return { terminal, clock, status, errors, output, pass: (ms: number) => (nowMs += ms) };
}

test('on a screen: percentage, amount, rate and time to go, at most ten times a second', () => {
  const { status, errors, pass, ...options } = setup(true);
  const progress = progressBar(options);
  progress.phase('copying files', { bytes: 100 * mebibyte });
  for (let step = 0; step < 50; step++) {
    pass(20);
    progress.advance({ bytes: mebibyte });
  }
  expect(status).toHaveLength(10);
  expect(status.at(-1)).toBe('copying files  50.0%  50.0 MiB / 100.0 MiB  50.0 MiB/s  ETA 1.0 s  elapsed 1.0 s');
  progress.end(true);
  expect(status.at(-1)).toBe('');
  expect(errors).toEqual(['copying files: 50.0 MiB in 1.0 s (50.0 MiB/s)\n']);
});

test('the rate follows the last ten seconds, not the whole phase', () => {
  const { status, pass, ...options } = setup(true);
  const progress = progressBar(options);
  progress.phase('copying files', { bytes: 10_000 * mebibyte });
  const run = (seconds: number, perSecond: number) => {
    for (let step = 0; step < seconds * 5; step++) {
      pass(200);
      progress.advance({ bytes: (perSecond / 5) * mebibyte });
    }
  };
  run(60, 100);
  run(15, 10);
  expect(status.at(-1)).toMatch(/ 1\d\.\d MiB\/s /);
  progress.end(false);
});

test('when piped: a line every five seconds, a summary per phase, none for a phase that failed', () => {
  const { errors, status, pass, ...options } = setup(false);
  const progress = progressBar(options);
  progress.phase('listing files');
  for (let step = 0; step < 12; step++) {
    pass(1000);
    progress.advance({ items: 1 });
  }
  progress.phase('waiting');
  progress.note('still there');
  progress.end(false);
  expect(errors).toEqual([
    'listing files  5  elapsed 5.0 s\n',
    'listing files  10  elapsed 10.0 s\n',
    'listing files: 12 in 12.0 s\n',
    'still there\n',
  ]);
  expect(status.every((line) => line === '')).toBe(true);
});

test('as JSON: status objects on standard output, the last one when the phase ends', () => {
  const { output, errors, pass, ...options } = setup(false);
  const printer = jsonPrinter({ ...options, quiet: false });
  printer.progress.phase('copying files', { bytes: 200, items: 2 });
  pass(1000);
  printer.progress.advance({ bytes: 100, items: 1 });
  printer.end(true);
  const lines = output.map((line) => JSON.parse(line) as unknown);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toEqual({
    message_type: 'status',
    phase: 'copying files',
    percent_done: 0.5,
    bytes_done: 100,
    total_bytes: 200,
    items_done: 1,
    total_items: 2,
    seconds_elapsed: 1,
    bytes_per_second: 100,
    seconds_remaining: 1,
  });
  printer.warn('w');
  expect(JSON.parse(errors.join(''))).toEqual({ message_type: 'warning', message: 'w' });
});

test('quiet: no progress, no remarks; results and warnings stay', () => {
  const { output, errors, pass, ...options } = setup(false);
  const printer = textPrinter({ ...options, quiet: true });
  printer.progress.phase('copying files', { bytes: 1 });
  pass(60_000);
  printer.progress.advance({ bytes: 1 });
  printer.remark('saved');
  printer.result('x', {}, () => 'result');
  printer.warn('careful');
  printer.end(true);
  expect(output).toEqual(['result\n']);
  expect(errors).toEqual(['warning: careful\n']);
});

test('JSON lines: 64-bit numbers as text, secrets redacted, nothing undefined', () => {
  const line = jsonLine('x', { lsn: 2n ** 63n, at: new Date(0), secret: new Secret('s'), none: undefined });
  expect(line).toBe(
    '{"message_type":"x","lsn":"9223372036854775808","at":"1970-01-01T00:00:00.000Z","secret":"[redacted]"}\n',
  );
});

test('numbers as people read them', () => {
  expect([0, 1023, 1024, 1023.99 * 1024, 1.5 * 2 ** 30].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.00 KiB',
    '1.00 MiB',
    '1.50 GiB',
  ]);
  expect(formatBytes(2n ** 50n)).toBe('1.00 PiB');
  expect([420, 9_100, 59_990, 125_000, 3_609_000, 187_200_000].map(formatDuration)).toEqual([
    '0.42 s',
    '9.1 s',
    '1:00',
    '2:05',
    '1:00:09',
    '2d 4h',
  ]);
  expect(formatCount(1_234_567n)).toBe('1,234,567');
  expect([formatPercent(0, 0), formatPercent(9_999_999, 10_000_000), formatPercent(1, 1)]).toEqual([
    '100.0%',
    '99.9%',
    '100.0%',
  ]);
  expect([plural(1, 'file'), plural(2, 'file'), plural(0n, 'entry', 'entries')]).toEqual([
    '1 file',
    '2 files',
    '0 entries',
  ]);
});
