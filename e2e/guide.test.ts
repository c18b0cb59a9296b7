// needs PostgreSQL's client programs
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseCommandLine } from '../src/cli/parse.ts';
import { needs } from '../src/testing/needs.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { commandLines } from './fixture/commandLines.ts';
import { fencedBlocks } from './fixture/markdown.ts';
import { installProgram, runScript } from './fixture/reader.ts';

vi.setConfig({ testTimeout: 300_000 });

const root = resolve(import.meta.dirname, '..');
/** In the order in which they are meant to be read: each goes on where the one before ended. */
const pages = [
  'getting-started',
  'wal',
  'recovery',
  'verification',
  'repository',
  'files',
  'dumps',
  'logs-and-git',
  'plans',
  'monitoring',
].map((name) => `docs/guide/${name}.md`);

let cluster: Cluster;
let home: TempDir;
let environment: Record<string, string>;

/** A reader at the shell of the server's user, with a cluster and the variables of the first page. */
beforeAll(async () => {
  home = await tempDir({ owner: 'server' });
  cluster = await createCluster({ settings: { archive_mode: 'on' } });
  installProgram(home.path);
  environment = {
    PATH: [home.path, cluster.binaries, process.env['PATH'] ?? ''].join(':'),
    HOME: home.path,
    PGHOST: cluster.socketDirectory,
    PGUSER: 'postgres',
    UNDERSTUDY_REPOSITORY: home.join('backup'),
    UNDERSTUDY_PASSWORD_FILE: home.join('.understudy-password'),
  };
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

for (const page of pages) {
  needs('psql', 'restic')(`${page} can be followed word for word`, async () => {
    const blocks = fencedBlocks(textOf(page), 'sh');
    expect(blocks.length).toBeGreaterThan(2);
    const script = blocks.map(({ line, text }) => `: '${page}:${line}'\n${text}`).join('\n');
    const outcome = await runScript(script, { directory: home.path, environment });
    expect(outcome.status, outcome.stderr.slice(-4000)).toBe(0);
  });
}

test('what is only to be read, in the guide and in the README, names commands and options that exist', () => {
  const written = ['README.md', ...pages].flatMap((page) =>
    ['sh', 'console', 'ini']
      .flatMap((language) => fencedBlocks(textOf(page), language))
      .flatMap(({ text }) => commandLines(text).map((words) => ({ page, words }))),
  );
  expect(written.filter(({ page }) => page === 'README.md').length).toBeGreaterThan(5);
  expect(written.length).toBeGreaterThan(40);
  for (const { page, words } of written) {
    expect(() => parseCommandLine(words), `${page}: understudy ${words.join(' ')}`).not.toThrow();
  }
});

test('a command that does not exist would be noticed', () => {
  const [words = []] = commandLines('$ understudy backup main --no-such-option # a remark');
  expect(words).toEqual(['backup', 'main', '--no-such-option']);
  expect(() => parseCommandLine(words)).toThrow('--no-such-option');
});

function textOf(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}
