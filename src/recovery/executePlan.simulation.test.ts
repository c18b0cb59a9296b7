import { expect, test } from 'vitest';
import { Bench, Crash, failing, type BenchOptions } from './fixture/runBench.ts';

const once = new Set(['notify', 'charge']);

/** A plan with everything in it; counts what was really done. */
function scenario(effects: Map<string, number>, parts: Partial<BenchOptions>): BenchOptions {
  const effect = (id: string) => async (ctx: { clock: { sleep(ms: number): Promise<void> } }) => {
    effects.set(id, (effects.get(id) ?? 0) + 1);
    await ctx.clock.sleep(1000);
  };
  return {
    steps: [
      { id: 'locate' },
      { id: 'restore', needs: ['locate'] },
      { id: 'charge', needs: ['locate'], repeatable: false },
      { id: 'flaky', needs: ['restore'], retries: { times: 2 } },
      { id: 'confirm', kind: 'approve', prompt: 'fine?', needs: ['restore', 'charge'] },
      { id: 'optional', critical: false, needs: ['confirm'] },
      { id: 'notify', needs: ['confirm', 'flaky', 'optional'], repeatable: false },
      { id: 'clean', always: true },
    ],
    work: {
      ...Object.fromEntries(['locate', 'restore', 'charge', 'notify', 'clean'].map((id) => [id, effect(id)])),
      flaky: async (ctx, attempt) => {
        if (attempt === 1) await failing()();
        await effect('flaky')(ctx);
      },
      optional: failing(),
    },
    // a person looks whether it was done, and says what is true
    person: (entry) => {
      if (entry.type !== 'step-waits') return undefined;
      const { step } = entry;
      const done = entry.why === 'interrupted' && effects.has(step);
      return { action: done ? 'skip' : 'approve', step, by: 'berta', reason: 'I looked' };
    },
    ...parts,
  };
}

test.each(['before', 'after'] as const)(
  'the process dies %s any write of the journal, and the run goes on',
  async (side) => {
    let writes = 0;
    const counting = new Bench(scenario(new Map(), { afterWrite: () => void writes++ }));
    await counting.run();
    expect(writes).toBeGreaterThan(15);
    for (let crashAt = 1; crashAt < writes; crashAt++) {
      const effects = new Map<string, number>();
      const crash = (number: number): void => {
        if (number === crashAt) throw new Crash('killed');
      };
      const bench = new Bench(scenario(effects, side === 'before' ? { beforeWrite: crash } : { afterWrite: crash }));
      await expect(bench.run()).rejects.toThrow(Crash);
      const state = await bench.run();
      expect(state.verdict, `died ${side} write ${crashAt}`).toBe('warned');
      for (const id of ['locate', 'restore', 'charge', 'flaky', 'notify', 'clean']) {
        expect(effects.get(id), `${id}, died ${side} write ${crashAt}`).toBeGreaterThanOrEqual(1);
        if (once.has(id)) expect(effects.get(id), `${id}, died ${side} write ${crashAt}`).toBe(1);
      }
    }
  },
);

test('a run survives any number of deaths', async () => {
  const effects = new Map<string, number>();
  let lives = 0;
  const writesOfALife = 5;
  let left = writesOfALife;
  const bench = new Bench(
    scenario(effects, {
      afterWrite: () => {
        if (--left === 0) throw new Crash('killed');
      },
    }),
  );
  for (;;) {
    try {
      lives++;
      left = writesOfALife;
      await bench.run();
      break;
    } catch (error) {
      expect(error).toBeInstanceOf(Crash);
      expect(lives).toBeLessThan(100);
      if (bench.entries.at(-1)?.type === 'ended') break;
    }
  }
  expect(lives).toBeGreaterThan(4);
  for (const id of once) expect(effects.get(id)).toBeLessThanOrEqual(1);
});
