import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { tempDir } from '../src/testing/tempDir.ts';
import { projectRoot } from './projectFiles.ts';

const badFiles = {
  'src/snapshot/floating.ts': `export function run(work: () => Promise<void>): void {\n  work();\n}\n`,
  'src/snapshot/upward.ts': `import type { Lsn } from '../postgres/lsn.ts';\nexport const lsn = 0n as Lsn;\n`,
  'src/snapshot/intruder.ts': `import { pack } from '../repository/pack/pack.ts';\nexport const copy = pack;\n`,
  'src/snapshot/deep/lazy.ts': `export const load = (): Promise<unknown> => import('../../postgres/lsn.ts');\n`,
  'src/snapshot/one.ts': `import { two } from './two.ts';\nexport const one = (): number => two();\n`,
  'src/snapshot/two.ts': `import { one } from './one.ts';\nexport const two = (): number => one();\n`,
  'src/snapshot/any.ts': `export const value = 1 as any;\n`,
  'src/postgres/lsn.ts': `export type Lsn = bigint;\n`,
  'src/repository/pack/pack.ts': `console.log('loaded');\nexport const pack = 1;\n`,
};

test('the linter finds floating promises, breaches of the layers, cycles, `any` and debugging output', async () => {
  await using directory = await tempDir();
  for (const path of ['package.json', 'tsconfig.json', 'oxlint.config.ts', 'tools/layers.ts']) {
    cpSync(join(projectRoot, path), directory.join(path));
  }
  symlinkSync(join(projectRoot, 'node_modules'), directory.join('node_modules'));
  for (const [path, text] of Object.entries(badFiles)) {
    mkdirSync(dirname(directory.join(path)), { recursive: true });
    writeFileSync(directory.join(path), text);
  }
  const oxlint = join(projectRoot, 'node_modules/oxlint/bin/oxlint');
  const { status, stdout } = spawnSync(process.execPath, [oxlint, '--format=unix', 'src'], {
    cwd: directory.path,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  const found = stdout
    .split('\n')
    .flatMap((line) => /^(src\/.*?):.*\[Error\/(.*)\]$/.exec(line)?.slice(1).join(' ') ?? []);
  expect(found.toSorted()).toEqual([
    'src/repository/pack/pack.ts eslint(no-console)',
    'src/snapshot/any.ts typescript(no-explicit-any)',
    'src/snapshot/deep/lazy.ts eslint(no-restricted-imports)',
    'src/snapshot/floating.ts typescript(no-floating-promises)',
    'src/snapshot/intruder.ts eslint(no-restricted-imports)',
    'src/snapshot/one.ts import(no-cycle)',
    'src/snapshot/two.ts import(no-cycle)',
    'src/snapshot/upward.ts eslint(no-restricted-imports)',
  ]);
});
