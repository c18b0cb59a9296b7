import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isKnownGone, thisHolder, type LockHolder } from './lockHolder.ts';

function holderHere(): LockHolder {
  const holder = thisHolder();
  if (holder === undefined) throw new Error('these tests need /proc');
  return holder;
}

const { pid } = process;

test.each(['ENOENT', 'EACCES'])('a process that /proc hides (%s) is not gone as long as it lives', (code) => {
  const hidden = (): never => {
    throw Object.assign(new Error('hidden'), { code });
  };
  const holder = holderHere();
  expect(isKnownGone(holder, pid, hidden)).toBe(false);
  expect(isKnownGone(holder, 1, hidden)).toBe(false);
  const ended = spawnSync('true').pid;
  expect(isKnownGone(holder, ended, hidden)).toBe(true);
  expect(isKnownGone({ ...holder, place: 'another machine' }, ended, hidden)).toBe(false);
});

test('a number that was given out again, a zombie and a dead process are gone', () => {
  const holder = holderHere();
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  expect(isKnownGone(holder, pid)).toBe(false);
  expect(isKnownGone({ ...holder, started: '1' }, pid)).toBe(true);
  for (const state of ['Z', 'X']) {
    const ended = stat.replace(/\) [A-Z] /, `) ${state} `);
    expect(isKnownGone(holder, pid, () => ended)).toBe(true);
  }
  expect(isKnownGone(holder, pid, () => 'nonsense')).toBe(false);
});
