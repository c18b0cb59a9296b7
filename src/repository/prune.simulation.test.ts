import { describe, expect } from 'vitest';
import { needs } from '../testing/needs.ts';
import { prune } from './fixture/pruning.ts';
import { putPack } from './fixture/rawPacks.ts';
import { backedUp, before, bytes, everySecondPiece, forgetOne, init, open, openUsual } from './fixture/scenarios.ts';
import { crashEverywhere, type Scenario } from './fixture/simulation.ts';

const pruning = (name: string, prepare: Scenario['prepare']): Scenario => ({
  name,
  prepare: async (ctx, backend, promises) => {
    await init(ctx, backend);
    await prepare(ctx, backend, promises);
  },
  run: async (ctx, backend) =>
    prune(ctx, await open(ctx, backend), { maxUnused: { kind: 'bytes', bytes: 0 }, packSizeBytes: 32_768 }),
  open: openUsual,
});

const scenarios: readonly Scenario[] = [
  pruning('prune of nothing', async (ctx, backend, promises) => {
    await backedUp(ctx, backend, { files: before, promises });
  }),
  pruning('prune of whole packs', async (ctx, backend, promises) => {
    await backedUp(ctx, backend, { files: { old: bytes(4, 60_000) }, promises });
    await backedUp(ctx, backend, { files: { new: bytes(5, 60_000) }, promises });
    await forgetOne(ctx, backend, promises);
    promises.open.clear();
  }),
  pruning('prune of parts of packs, with packs that no index names', async (ctx, backend, promises) => {
    await backedUp(ctx, backend, { files: before, promises });
    await backedUp(ctx, backend, { files: everySecondPiece(before), promises });
    await forgetOne(ctx, backend, promises);
    promises.open.clear();
    for (const seed of [6, 7]) {
      await putPack(await open(ctx, backend), [{ type: 'data', plain: bytes(seed, 5000), compressed: false }]);
    }
  }),
  pruning('prune of copies', async (ctx, backend, promises) => {
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const all = Promise.all(begun.map(({ promise }) => promise));
    await Promise.all(
      begun.map(({ resolve }) =>
        backedUp(ctx, backend, { files: before, promises, whenBegun: () => (resolve(), all) }),
      ),
    );
  }),
  pruning('prune that joins many small packs and index documents', async (ctx, backend, promises) => {
    for (let count = 0; count < 10; count++) {
      await backedUp(ctx, backend, { files: { a: bytes(20 + count, 3000) }, promises });
    }
  }),
  {
    name: 'forget and prune',
    prepare: async (ctx, backend, promises) => {
      await init(ctx, backend);
      await backedUp(ctx, backend, { files: before, promises });
      await backedUp(ctx, backend, { files: everySecondPiece(before), promises });
    },
    run: async (ctx, backend, promises) => {
      await forgetOne(ctx, backend, promises);
      await prune(ctx, await open(ctx, backend), { maxUnused: { kind: 'bytes', bytes: 0 } });
    },
    open: openUsual,
  },
];

describe('a prune that dies before any of its mutations leaves a sound repository', () => {
  for (const scenario of scenarios) {
    needs('restic')(scenario.name, async () => {
      expect(await crashEverywhere(scenario)).toBeGreaterThan(4);
    });
  }
});
