import { expect, test } from 'vitest';
import { silentProgress } from '../base/progress.ts';
import { Secret } from '../base/secret.ts';
import { objectNames, password } from '../testing/repositories.ts';
import { Repository } from '../repository/repository.ts';
import { ctx, flip, fullRepository, randomFlip, readAll, type Flip, type Originals } from './fixture/flips.ts';
import { verifyRepository } from './verifyRepository.ts';

const flips = 2000;

/** Flips that are made at once: in different objects, and alone in an index, without which packs are not looked for. */
function* groupsOfFlips(originals: Originals): Generator<readonly Flip[]> {
  let group = new Map<string, Flip>();
  for (let count = 0; count < flips; count++) {
    const next = randomFlip(originals);
    const alone = next.object.startsWith('index/');
    if (alone || group.has(next.object) || group.size === 5) {
      yield [...group.values()];
      group = new Map();
    }
    if (alone) yield [next];
    else group.set(next.object, next);
  }
  yield [...group.values()];
}

test(`${flips} random flips of one bit are each found by level 2, which names the object`, async () => {
  const { repository } = await fullRepository();
  const { backend } = repository;
  const originals = await readAll(backend);
  const kinds = new Set([...originals.keys()].map((name) => name.split('/')[0]));
  expect([...kinds].toSorted((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1))).toEqual([
    'config',
    'data',
    'index',
    'keys',
    'snapshots',
    'understudy',
    'wal',
  ]);
  const missed: string[] = [];
  let made = 0;
  for (const group of groupsOfFlips(originals)) {
    for (const one of group) await flip(backend, originals, one);
    const { verdict, checks } = await verifyRepository(ctx, repository, { level: 2, progress: silentProgress });
    const failed = checks.filter(({ status }) => status === 'failed').flatMap(({ detail }) => detail);
    for (const one of group) {
      made++;
      if (verdict === 'failed' && failed.some((line) => line.includes(one.object))) continue;
      missed.push(`${JSON.stringify(one)}: ${verdict} ${failed.join('; ')}`);
    }
    for (const { object } of group) await backend.put(ctx, object, originals.get(object)!);
  }
  expect(missed).toEqual([]);
  expect(made).toBe(flips);
  const after = await verifyRepository(ctx, repository, { level: 2, progress: silentProgress });
  expect(after).toMatchObject({ verdict: 'passed' });
});

test('a flip in the configuration or in the only key keeps the repository shut, and the error names the object', async () => {
  const { repository } = await fullRepository();
  const { backend } = repository;
  for (const object of ['config', ...(await objectNames(backend, 'keys/'))]) {
    const original = await backend.get(ctx, object);
    const others = (await objectNames(backend, 'keys/')).filter((name) => object !== 'config' && name !== object);
    const removed = new Map<string, Buffer>();
    for (const name of others) {
      removed.set(name, await backend.get(ctx, name));
      await backend.delete(ctx, name);
    }
    for (let offset = 0; offset < original.length; offset += Math.ceil(original.length / 12)) {
      const flipped = Buffer.from(original);
      flipped[offset]! ^= 1;
      await backend.put(ctx, object, flipped);
      const passwords = [password, new Secret('second')];
      for (const tried of passwords) {
        const opened = await Repository.open(ctx, backend, { password: tried }).catch((error: unknown) => error);
        expect(opened).toMatchObject({ code: 'repository-damaged', message: expect.stringContaining(idOf(object)) });
      }
    }
    await backend.put(ctx, object, original);
    for (const [name, content] of removed) await backend.put(ctx, name, content);
  }
});

function idOf(object: string): string {
  return object === 'config' ? 'config' : object.slice('keys/'.length, 'keys/'.length + 8);
}
