import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isOperationError } from '../base/errors.ts';
import type { TestFiles } from '../testing/testSnapshots.ts';
import type { Repository } from '../repository/repository.ts';
import { applyRestore } from '../restorer/applyRestore.ts';
import { planRestore } from '../restorer/planRestore.ts';
import { tempDir } from '../testing/tempDir.ts';
import { ctx, flip, fullRepository, randomFlip, readAll } from './fixture/flips.ts';

const restores = 200;

test(`${restores} restores from a repository with a random flip either say so or are right`, async () => {
  const { repository, files, tree } = await fullRepository();
  const { backend } = repository;
  const originals = await readAll(backend);
  await using directory = await tempDir();
  const outcomes = { refused: 0, right: 0 };
  for (let number = 0; number < restores; number++) {
    const one = randomFlip(originals);
    await flip(backend, originals, one);
    const outcome = await restored(repository, { tree, destination: directory.join(String(number)) });
    outcomes[outcome === undefined ? 'refused' : 'right']++;
    if (outcome !== undefined) expect(outcome).toEqual(files);
    await backend.put(ctx, one.object, originals.get(one.object)!);
  }
  expect(outcomes.refused).toBeGreaterThan(20);
  expect(outcomes.refused + outcomes.right).toBe(restores);
}, 300_000);

/**
 * The restored files, or undefined when the restore said that it could not. What it did write then is right or marked.
 */
async function restored(
  repository: Repository,
  { tree, destination }: { readonly tree: string; readonly destination: string },
): Promise<TestFiles | undefined> {
  try {
    repository.forgetIndex();
    const plan = await planRestore(ctx, repository, { treeId: tree, destination, existing: 'refuse' });
    await applyRestore(ctx, repository, plan, { threads: 0, fsync: false });
    const read = (name: string): Buffer => readFileSync(join(destination, 'data', name));
    return { one: read('one'), two: read('two'), empty: read('empty') };
  } catch (error) {
    if (!isOperationError(error)) throw error;
    return undefined;
  } finally {
    rmSync(destination, { recursive: true, force: true });
  }
}
