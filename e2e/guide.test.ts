// needs PostgreSQL's client programs
import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseCommandLine } from '../src/cli/parse.ts';
import { needs } from '../src/testing/needs.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { serverUser } from '../src/testing/serverUser.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { outcomeOf, type Outcome } from './fixture/program.ts';

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
].map((name) => `docs/guide/${name}.md`);

let cluster: Cluster;
let home: TempDir;
let environment: Record<string, string>;

/** A reader at the shell of the server's user, with a cluster and the variables of the first page. */
beforeAll(async () => {
  home = await tempDir({ owner: 'server' });
  cluster = await createCluster({ settings: { archive_mode: 'on' } });
  const program = home.join('understudy');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'src/main.ts')}' "$@"\n`);
  chmodSync(program, 0o755);
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
    const blocks = fencedBlocks(page, 'sh');
    expect(blocks.length).toBeGreaterThan(2);
    const outcome = await runScript(blocks.map(({ line, text }) => `: '${page}:${line}'\n${text}`).join('\n'));
    expect(outcome.status, outcome.stderr.slice(-4000)).toBe(0);
  });
}

test('what is only to be read, in the guide and in the README, names commands and options that exist', () => {
  const written = ['README.md', ...pages].flatMap((page) =>
    [...fencedBlocks(page, 'sh'), ...fencedBlocks(page, 'console'), ...fencedBlocks(page, 'ini')].flatMap(({ text }) =>
      commandLines(text).map((words) => ({ page, words })),
    ),
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

interface Block {
  readonly line: number;
  readonly text: string;
}

function fencedBlocks(page: string, language: string): Block[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => ({
    line: text.slice(0, match.index).split('\n').length + 1,
    text: match[1] ?? '',
  }));
}

/** The words behind `understudy` of every line that calls it; values that a shell would fill in stay as they are. */
function commandLines(text: string): string[][] {
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  return lines.flatMap((line) => {
    const called = /(?:^|^\$ |postgres {2}|\/bin\/)understudy (.*)$/.exec(line)?.[1];
    return called === undefined ? [] : [wordsOf(called)];
  });
}

function wordsOf(called: string): string[] {
  const words = called.matchAll(/"([^"]*(?:"[^"]*"[^"]*)?)"(?= |$)|'([^']*)'|(#.*|&)$|(\S+)/g);
  return [...words].flatMap(([, double, single, rest, plain]) =>
    rest === undefined ? [(double ?? single ?? plain ?? '').replace(/^\$\(.*/, '2026-11-22 10:42:00Z')] : [],
  );
}

/** In one shell, as a reader would type it, which ends at the first failure and tells by its trace where. */
function runScript(script: string): Promise<Outcome> {
  const user = serverUser();
  const child = spawn('bash', ['-euxo', 'pipefail', '-c', script], {
    cwd: home.path,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  return outcomeOf(child);
}
