import { expect, test } from 'vitest';
import type { Context } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { Bench, failing } from './fixture/runBench.ts';
import type { JournalEntry } from './runEvent.ts';

/** `begin a`, `end a` in the order of the journal. */
function story(entries: readonly JournalEntry[]): string[] {
  return entries.flatMap((entry) => ('step' in entry ? [`${entry.type.replace('step-', '')} ${entry.step}`] : []));
}

test('steps run after what they need, side by side up to the limit', async () => {
  const active = new Set<string>();
  let most = 0;
  const bench: Bench = new Bench({
    parallel: 2,
    steps: [{ id: 'a' }, { id: 'b', needs: ['a'] }, { id: 'c', needs: ['a'] }, { id: 'd', needs: ['a'] }],
    work: Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((id) => [
        id,
        async (ctx) => {
          active.add(id);
          most = Math.max(most, active.size);
          await ctx.clock.sleep(1000, ctx.signal);
          active.delete(id);
        },
      ]),
    ),
  });
  const state = await bench.run();
  expect(state.verdict).toBe('passed');
  expect(most).toBe(2);
  expect(story(bench.entries).slice(0, 4)).toEqual(['begun a', 'succeeded a', 'begun b', 'begun c']);
  expect(bench.clock.monotonicMs()).toBe(3000);
});

test('a step that is left out counts as done', async () => {
  const bench = new Bench({
    steps: [
      { id: 'a', when: false },
      { id: 'b', needs: ['a'] },
    ],
  });
  expect((await bench.run()).verdict).toBe('passed');
  expect(bench.statuses()).toEqual({ a: 'pending', b: 'succeeded' });
});

test('a critical failure stops everything but what runs and the clean-up', async () => {
  const bench = new Bench({
    steps: [
      { id: 'clean', always: true, needs: ['slow'] },
      { id: 'bad' },
      { id: 'slow' },
      { id: 'after', needs: ['slow'] },
      { id: 'ask', kind: 'approve', prompt: 'fine?' },
    ],
    work: { bad: failing(), slow: (ctx) => ctx.clock.sleep(60_000) },
  });
  const state = await bench.run();
  expect(state.verdict).toBe('failed');
  expect(bench.statuses()).toEqual({
    clean: 'succeeded',
    bad: 'failed',
    slow: 'succeeded',
    after: 'pending',
    ask: 'waiting',
  });
  expect(state.steps.get('bad')?.error).toEqual({
    code: 'program-failed',
    message: 'it does not work',
    hint: 'look at it',
  });
});

test('a failure that is not critical is listed, and the plan goes on', async () => {
  const bench = new Bench({
    steps: [
      { id: 'a', critical: false },
      { id: 'b', needs: ['a'] },
    ],
    work: { a: failing() },
  });
  expect((await bench.run()).verdict).toBe('warned');
  expect(bench.statuses()).toEqual({ a: 'failed', b: 'succeeded' });
});

test('a failed step is tried again after pauses that double', async () => {
  const bench = new Bench({
    steps: [{ id: 'a', retries: { times: 3, delay: '10s', longestDelay: '15s' } }],
    work: { a: (_ctx, attempt) => (attempt < 4 ? failing()() : Promise.resolve()) },
  });
  const state = await bench.run();
  expect(state.verdict).toBe('passed');
  expect(state.steps.get('a')).toMatchObject({ attempts: 4, facts: { attempt: 4 }, error: undefined });
  expect(bench.clock.monotonicMs()).toBe(40_000);
  const used = new Bench({ steps: [{ id: 'a', retries: { times: 1 } }], work: { a: failing() } });
  expect((await used.run()).steps.get('a')).toMatchObject({ attempts: 2, status: 'failed' });
});

test('an attempt that was cut short uses up no retry', async () => {
  let kill = new AbortController();
  const work = (ctx: Context, attempt: number) => {
    if (attempt > 2) return attempt === 3 ? failing()() : Promise.resolve();
    kill.abort(new Error('killed'));
    return ctx.clock.sleep(1000, ctx.signal);
  };
  const bench = new Bench({ steps: [{ id: 'a', retries: { times: 1 } }], work: { a: work } });
  for (let killed = 0; killed < 2; killed++) {
    await expect(bench.run(kill.signal)).rejects.toThrow('killed');
    kill = new AbortController();
  }
  const state = await bench.run(kill.signal);
  expect(state.steps.get('a')).toMatchObject({ status: 'succeeded', attempts: 4, failures: 1 });
});

test('a step is stopped when its time is up', async () => {
  const bench = new Bench({
    steps: [{ id: 'a', timeout: '5m' }],
    work: { a: (ctx) => ctx.clock.sleep(3_600_000, ctx.signal) },
  });
  const state = await bench.run();
  expect(state.verdict).toBe('failed');
  expect(state.steps.get('a')?.error).toMatchObject({
    code: 'step-failed',
    message: 'step a ran longer than 5 min',
  });
  expect(bench.clock.monotonicMs()).toBe(300_000);
});

test('a defect of ours is a failed step, told as such', async () => {
  const bench = new Bench({ steps: [{ id: 'a' }], work: { a: () => Promise.reject(new TypeError('x')) } });
  expect((await bench.run()).steps.get('a')?.error).toMatchObject({ code: 'internal', message: 'x' });
});

test('an approval waits for a person, who has a name', async () => {
  const bench: Bench = new Bench({
    steps: [
      { id: 'a', kind: 'approve', prompt: 'go?' },
      { id: 'b', needs: ['a'] },
    ],
    person: (entry) => {
      if (entry.type !== 'step-waits') return undefined;
      void bench.clock.sleep(90_000).then(() => bench.post(answer('approve', 'a')));
      return undefined;
    },
  });
  const state = await bench.run();
  expect(state.verdict).toBe('passed');
  expect(state.steps.get('a')).toMatchObject({
    humanMs: 90_000,
    machineMs: 0,
    decision: { by: 'berta', reason: 'looked at it' },
  });
});

test('who declines fails the step', async () => {
  const bench = new Bench({
    steps: [
      { id: 'a', kind: 'approve', prompt: 'go?' },
      { id: 'b', needs: ['a'] },
    ],
    person: (entry) => (entry.type === 'step-waits' ? answer('decline', 'a') : undefined),
  });
  expect((await bench.run()).verdict).toBe('failed');
  expect(bench.statuses()).toEqual({ a: 'failed', b: 'pending' });
});

test('a step is skipped with a reason, and what needs it goes on', async () => {
  const bench = new Bench({
    steps: [{ id: 'a' }, { id: 'b', needs: ['a'] }, { id: 'c', needs: ['b'] }],
    person: (entry) => (entry.type === 'step-begun' && entry.step === 'a' ? answer('skip', 'b') : undefined),
    work: { a: (ctx) => ctx.clock.sleep(1000) },
  });
  expect((await bench.run()).verdict).toBe('warned');
  expect(bench.statuses()).toEqual({ a: 'succeeded', b: 'skipped', c: 'succeeded' });
});

test.each(['left out', 'skipped'])('behind a step that is %s, what it needs itself is waited for', async (how) => {
  const bench = new Bench({
    steps: [
      { id: 'ask', kind: 'approve', prompt: 'go?' },
      { id: 'between', needs: ['ask'], when: how !== 'left out' },
      { id: 'after', needs: ['between'] },
      { id: 'slow' },
    ],
    work: { slow: (ctx) => ctx.clock.sleep(60_000) },
    person: (entry) => {
      if (!('step' in entry)) return undefined;
      if (entry.type === 'step-waits' && how === 'skipped') return answer('skip', 'between');
      return entry.type === 'step-succeeded' && entry.step === 'slow' ? answer('decline', 'ask') : undefined;
    },
  });
  expect((await bench.run()).verdict).toBe('failed');
  const between = how === 'skipped' ? 'skipped' : 'pending';
  expect(bench.statuses()).toEqual({ ask: 'failed', between, after: 'pending', slow: 'succeeded' });
});

test('a paused run begins nothing until it goes on', async () => {
  let pausedAt = 0;
  const bench: Bench = new Bench({
    steps: [{ id: 'a' }, { id: 'b', needs: ['a'] }],
    work: {
      a: (ctx) => ctx.clock.sleep(1000),
      b: () => Promise.resolve((pausedAt = bench.clock.monotonicMs())),
    },
    person: (entry) => {
      if (entry.type === 'step-begun' && entry.step === 'a') return { action: 'pause', by: 'berta', reason: 'lunch' };
      if (entry.type !== 'paused') return undefined;
      void bench.clock.sleep(60_000).then(() => bench.post({ action: 'continue', by: 'berta', reason: '' }));
      return undefined;
    },
  });
  expect((await bench.run()).verdict).toBe('passed');
  expect(pausedAt).toBe(60_000);
});

test('an approval that comes while a paused run is nowhere carried out is not lost', async () => {
  const abort = new AbortController();
  const bench: Bench = new Bench({
    steps: [{ id: 'a', kind: 'approve', prompt: 'go?' }],
    person: (entry) => {
      if (entry.type === 'paused') abort.abort(new Error('stop'));
      if (entry.type === 'step-approved') return { action: 'continue', by: 'berta', reason: '' };
      if (entry.type !== 'step-waits' || abort.signal.aborted) return undefined;
      return { action: 'pause', by: 'berta', reason: 'lunch' };
    },
  });
  await expect(bench.run(abort.signal)).rejects.toThrow('stop');
  expect(bench.statuses()).toEqual({ a: 'waiting' });
  bench.post(answer('approve', 'a'));
  expect((await bench.run()).verdict).toBe('passed');
});

test('clean-up pauses before it tries again, also after a critical failure', async () => {
  const bench = new Bench({
    steps: [{ id: 'bad' }, { id: 'clean', always: true, retries: { times: 2, delay: '10s' } }],
    work: { bad: failing(), clean: failing() },
  });
  expect((await bench.run()).verdict).toBe('failed');
  expect(bench.statuses()).toEqual({ bad: 'failed', clean: 'failed' });
  expect(bench.clock.monotonicMs()).toBe(30_000);
});

test('a decision that makes no sense is refused and noted', async () => {
  const bench = new Bench({
    steps: [{ id: 'a' }],
    work: { a: (ctx) => ctx.clock.sleep(1000) },
    person: (entry) => (entry.type === 'step-begun' ? answer('approve', 'a') : undefined),
  });
  expect((await bench.run()).verdict).toBe('passed');
  expect(bench.entries.map((entry) => ('reason' in entry ? entry.reason : ''))).toContain('step a waits for nobody');
});

test('an abort ends the run without a verdict, and the step is done again later', async () => {
  const abort = new AbortController();
  let calls = 0;
  const bench = new Bench({
    steps: [{ id: 'a' }],
    work: {
      a: async (ctx) => {
        if (calls++ > 0) return;
        abort.abort(new Error('stop'));
        await ctx.clock.sleep(1000, ctx.signal);
      },
    },
  });
  await expect(bench.run(abort.signal)).rejects.toThrow('stop');
  expect(bench.statuses()).toEqual({ a: 'running' });
  expect((await bench.run()).verdict).toBe('passed');
  expect(bench.state()).toMatchObject({ resumptions: 1 });
});

test('a secret is used and is not in the journal', async () => {
  const bench = new Bench({
    steps: [{ id: 'a', secretText: 'url=${dsn} $${dsn}' }],
    secrets: new Map([['dsn', new Secret('postgresql://u:pa$${dsn}ss@h/db')]]),
    work: { a: failing('cannot reach postgresql://u:pa$${dsn}ss@h/db: password pa$${dsn}ss refused') },
  });
  await bench.run();
  expect(bench.printed).toEqual(['url=postgresql://u:pa$${dsn}ss@h/db ${dsn}']);
  expect(JSON.stringify(bench.entries)).not.toContain('pa$');
  expect(JSON.stringify(bench.entries)).toContain('password [redacted] refused');
});

test('a secret that is a part of the names of steps and verdicts does not change what is done', async () => {
  const abort = new AbortController();
  let calls = 0;
  const bench = new Bench({
    steps: [{ id: 'start-app' }],
    secrets: new Map([
      ['one', new Secret('app')],
      ['two', new Secret('pass')],
    ]),
    work: {
      'start-app': () => {
        if (++calls > 3) abort.abort(new Error('it is done again and again'));
        return Promise.resolve();
      },
    },
  });
  expect((await bench.run(abort.signal)).verdict).toBe('passed');
  expect(calls).toBe(1);
  expect(bench.statuses()).toEqual({ 'start-app': 'succeeded' });
});

function answer(action: 'approve' | 'decline' | 'skip', step: string) {
  return { action, step, by: 'berta', reason: 'looked at it' };
}
