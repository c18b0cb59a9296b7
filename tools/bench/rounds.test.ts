import { expect, test } from 'vitest';
import { measureInRounds, type Participant, type RoundsOptions } from './rounds.ts';

const order: string[] = [];

function participant(name: string, more: Partial<Participant> = {}): Participant {
  const work = () => {
    order.push(name);
    return Promise.resolve();
  };
  return { name, sources: [], work, ...more };
}

function measureAll(participants: readonly Participant[], options: Partial<RoundsOptions> = {}) {
  order.length = 0;
  return measureInRounds(
    participants,
    { signal: new AbortController().signal, serverProcessIds: [], quietTimeoutMs: 0 },
    { runs: 2, foreignLimit: Infinity, report: () => undefined, ...options },
  );
}

test('participants alternate, and each round begins with another one', async () => {
  const results = await measureAll([participant('a'), participant('b'), participant('c')]);
  expect(order).toEqual(['a', 'b', 'c', 'b', 'c', 'a']);
  expect(results.map(({ name, runs }) => [name, runs.length])).toEqual([
    ['a', 2],
    ['b', 2],
    ['c', 2],
  ]);
});

test('one that fails, or proves wrong, has a failure; the others go on', async () => {
  const results = await measureAll([
    participant('fails', { work: () => Promise.reject(new Error('no disk')) }),
    participant('wrong', { check: () => Promise.reject(new Error('came back different')) }),
    participant('good', { check: () => Promise.resolve() }),
  ]);
  expect(results.map(({ failure }) => failure)).toEqual(['no disk', 'came back different', undefined]);
  expect(results.map(({ runs }) => runs.length)).toEqual([0, 2, 2]);
});

test('runs on a busy machine are repeated, but not for ever', async () => {
  const [result] = await measureAll([participant('a')], { foreignLimit: -1 });
  expect(result?.runs.map(({ clean }) => clean)).toEqual(Array.from({ length: 6 }, () => false));
});

test('the source changes before each round; in step, who has enough runs goes on with the others', async () => {
  const rounds: number[] = [];
  const beforeRound = (round: number) => Promise.resolve(void rounds.push(round));
  await measureAll([participant('a'), participant('b')], { inStep: true, beforeRound, runs: 3 });
  expect(rounds).toEqual([0, 1, 2]);
  expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
});
