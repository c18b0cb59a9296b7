import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type BigIntStats,
} from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { Upload } from '../repository/upload.ts';
import { diffTrees } from '../snapshot/diff.ts';
import { findDirectory } from '../snapshot/findPath.ts';
import { treeLoader } from '../snapshot/repositorySource.ts';
import { newRepository } from '../testing/repositories.ts';
import { tempDir } from '../testing/tempDir.ts';
import { archiveFiles } from './archiveFiles.ts';

const ctx = createContext();

interface Entry {
  readonly path: readonly string[];
  readonly kind: 'file' | 'link' | 'directory';
  readonly content: string;
  readonly mode: number;
  readonly time: number;
}

const entry: fc.Arbitrary<Entry> = fc.record({
  path: fc.array(fc.constantFrom('a', 'b', 'c', 'ä'), { minLength: 1, maxLength: 3 }),
  kind: fc.constantFrom('file', 'file', 'link', 'directory'),
  content: fc.constantFrom('', 'x', 'y', 'longer'),
  mode: fc.constantFrom(0o644, 0o600),
  time: fc.constantFrom(1, 2),
});
const states = fc.tuple(fc.array(entry, { maxLength: 12 }), fc.array(entry, { maxLength: 6 }));

/** Makes what can be made; whatever is in the way stays. */
function create(directory: string, entries: readonly Entry[]): void {
  for (const { path, kind, content, mode, time } of entries) {
    const full = [directory, ...path].join('/');
    try {
      mkdirSync([directory, ...path.slice(0, -1)].join('/'), { recursive: true });
      if (kind === 'directory') mkdirSync(full);
      else if (kind === 'link') symlinkSync(content === '' ? 'nowhere' : content, full);
      else {
        writeFileSync(full, content);
        chmodSync(full, mode);
        utimesSync(full, time, time);
      }
    } catch {
      // one cannot be in another that is no directory
    }
  }
}

function listing(directory: string, below = ''): Map<string, BigIntStats & { readonly content: string }> {
  const found = new Map<string, BigIntStats & { readonly content: string }>();
  for (const name of readdirSync(`${directory}/${below}`)) {
    const path = below === '' ? name : `${below}/${name}`;
    const full = `${directory}/${path}`;
    const stat = lstatSync(full, { bigint: true });
    const content = stat.isFile() ? readFileSync(full, 'utf8') : stat.isSymbolicLink() ? readlinkSync(full) : '';
    found.set(path, Object.assign(stat, { content }));
    if (stat.isDirectory()) for (const [deeper, inner] of listing(directory, path)) found.set(deeper, inner);
  }
  return found;
}

/** What differs, by looking at everything. */
function compareListings(before: ReturnType<typeof listing>, after: ReturnType<typeof listing>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((path) => {
    const [old, young] = [before.get(path), after.get(path)];
    if (old === undefined) return [`+ ${path}`];
    if (young === undefined) return [`- ${path}`];
    const isOther = old.mode !== young.mode || old.mtimeNs !== young.mtimeNs || old.content !== young.content;
    return isOther ? [`M ${path}`] : [];
  });
}

async function archive(repository: Repository, directory: string): Promise<string> {
  await using upload = await Upload.begin(ctx, repository, { threads: 0, expectedChunks: 1000 });
  const { treeId } = await archiveFiles(ctx, { repository, upload, paths: [directory] });
  await upload.commit();
  return await findDirectory(ctx, treeLoader(repository), treeId, directory);
}

test('random trees: the difference of two snapshots is that of the directories', { timeout: 60_000 }, async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  let number = 0;
  let differences = 0;
  await fc.assert(
    fc.asyncProperty(states, fc.array(fc.nat(11), { maxLength: 4 }), async ([first, then], removed) => {
      const directory = dir.join(String(number++));
      mkdirSync(directory);
      create(directory, first);
      const [treeBefore, before] = [await archive(repository, directory), listing(directory)];
      for (const index of removed) {
        const gone = first[index];
        if (gone !== undefined) rmSync([directory, ...gone.path].join('/'), { recursive: true, force: true });
      }
      create(directory, then);
      const found: string[] = [];
      await diffTrees(ctx, treeLoader(repository), {
        before: treeBefore,
        after: await archive(repository, directory),
        onDifference: (each) => {
          const sign = each.before === undefined ? '+' : each.after === undefined ? '-' : 'M';
          found.push(`${sign} ${each.path.toString()}`);
        },
      });
      differences += found.length;
      expect(found.toSorted()).toEqual(compareListings(before, listing(directory)).toSorted());
    }),
    { numRuns: 60 },
  );
  expect(differences).toBeGreaterThan(100);
});
