import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { createContext } from '../base/context.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { needs } from '../testing/needs.ts';
import { restic } from '../testing/restic.ts';
import { tempDir } from '../testing/tempDir.ts';
import { checkRepository } from './check.ts';
import { prune } from './fixture/pruning.ts';
import { newLocalRepository, objectNames, passwordText, reopen } from '../testing/repositories.ts';
import { backUp, digestsOf, restoreAll } from '../testing/testSnapshots.ts';

const ctx = createContext();
const compat = needs('restic');
const script = join(import.meta.dirname, 'fixture/busyProcess.ts');

type Outcome = 'locked' | 'pruned' | { readonly id: string; readonly digests: Readonly<Record<string, string>> };

/** Runs a client in a process of its own; resolves with the outcome of each of its rounds. */
async function client(path: string, what: 'backup' | 'prune', rounds: number, seed = 1): Promise<Outcome[]> {
  const words = [script, path, passwordText, what, String(rounds), String(seed)];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome);
}

function digestsIn(outcomes: readonly Outcome[]): Record<string, unknown> {
  return Object.fromEntries(outcomes.flatMap((each) => (typeof each === 'string' ? [] : [[each.id, each.digests]])));
}

compat(
  'backups of several processes beside prunes: every snapshot reported done restores, for us and stock restic',
  async () => {
    await using directory = await tempDir();
    const path = directory.join('repo');
    const repository = await newLocalRepository(path);
    const gone = await backUp(ctx, repository, { files: { a: Buffer.alloc(300_000, 'gone') } });
    await repository.removeDocument(ctx, 'snapshots', gone.id);
    const outcomes = await Promise.all([
      client(path, 'backup', 4, 2),
      client(path, 'backup', 4, 3),
      client(path, 'prune', 12),
    ]);
    const reported = digestsIn(outcomes.flat());
    expect(Object.keys(reported)).toHaveLength(8);
    expect(outcomes[2]).toHaveLength(12);
    const requireSound = async (): Promise<void> => {
      const now = await reopen(repository);
      const report = await checkRepository(ctx, now, {
        references: snapshotReferences,
        data: { kind: 'all' },
        threads: 1,
      });
      expect(report.errors).toEqual([]);
      expect(digestsOf(await restoreAll(now))).toEqual(reported);
      expect(await restic(path, passwordText).run('check', '--read-data')).toContain('no errors were found');
    };
    await requireSound();
    await prune(ctx, repository, { maxUnused: { kind: 'bytes', bytes: 0 } });
    await requireSound();
    expect(await objectNames(repository.backend, 'locks/')).toEqual([]);
  },
);

compat('two backups at once store what they share twice at most, and a prune leaves it once', async () => {
  await using directory = await tempDir();
  const path = directory.join('repo');
  const repository = await newLocalRepository(path);
  const outcomes = await Promise.all([client(path, 'backup', 1, 2), client(path, 'backup', 1, 3)]);
  await prune(ctx, repository, { maxUnused: { kind: 'bytes', bytes: 0 } });
  expect(digestsOf(await restoreAll(await reopen(repository)))).toEqual(digestsIn(outcomes.flat()));
  let bytes = 0;
  for await (const { sizeBytes } of repository.backend.list(ctx, 'data/')) bytes += sizeBytes;
  expect(bytes).toBeLessThan(3 * 400_000 * 1.05);
});
