import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { backupGit } from '../backup/gitBackup.ts';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { commit, git } from '../testing/gitBench.ts';
import { ProofBench } from '../testing/proofBench.ts';
import type { Assertion } from './application/assertion.ts';
import { damageLargestPack } from './fixture/damage.ts';
import { failed, problemsOf, proveWith } from './fixture/prove.ts';
import { tamper } from './fixture/tamper.ts';

interface Repository extends AsyncDisposable {
  readonly bench: ProofBench;
  readonly head: string;
}

afterEach(() => vi.unstubAllEnvs());

/** A repository with two commits, a tag and a stash, backed up. */
async function backedUp(): Promise<Repository> {
  const bench = await ProofBench.open();
  const work = bench.directory.join('work');
  git(bench.directory.path, 'init', '-q', '-b', 'main', work);
  commit(work, 'one');
  writeFileSync(join(work, 'picture'), randomBytes(100_000));
  git(work, 'add', 'picture');
  const head = commit(work, 'two');
  git(work, 'tag', '-a', 'v1', '-m', 'first');
  for (const name of ['first', 'second']) {
    appendFileSync(join(work, 'one'), name);
    git(work, 'stash', 'push', '-q', '-m', name);
  }
  await backupGit(createContext(), await bench.openRepository(), {
    source: 'app',
    path: work,
    remotes: {},
    mirrorDirectory: bench.directory.join('mirror'),
    threads: 0,
    progress: silentProgress,
  });
  rmSync(work, { recursive: true });
  return { bench, head, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}

test('a mirror is restored, read by git, compared ref by ref, cloned, and tried in the clone', async () => {
  await using repository = await backedUp();
  const { bench, head } = repository;
  const command = `[ "$(cat two)" = two ] && [ "$(git rev-parse HEAD)" = ${head} ]`;
  const checkout: Assertion = { kind: 'command', name: 'checkout', command, timeoutMs: 20_000 };
  const { proof } = await proveWith(bench, { threads: 0, level: 5, assertionsOf: () => [checkout] });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof).toMatchObject({ verdict: 'passed', notReached: [], snapshot: { kind: 'git' } });
  expect(proof.checks.slice(-4)).toMatchObject([
    { name: 'git fsck', level: 4, actual: 'no complaint' },
    { name: 'refs', actual: '3 refs, HEAD at refs/heads/main' },
    { name: 'git clone', actual: `${head} checked out` },
    { name: 'checkout', level: 5 },
  ]);
  expect(proof.recoveryMs).toBeGreaterThan(0);
  expect(bench.sandboxes()).toEqual([]);
});

test('a damaged pack is found before anything is restored', async () => {
  await using repository = await backedUp();
  const { bench } = repository;
  damageLargestPack(bench.repositoryPath);
  const { proof } = await proveWith(bench, { threads: 0, level: 4 });
  expect(failed(proof).map(({ name }) => name)).toContain('data');
  expect(proof.notReached).toContain('git fsck');
});

test('refs that are not those of the record, a lost stash and a lost pack are found without git', async () => {
  await using repository = await backedUp();
  const { bench, head } = repository;
  const lost = '1'.repeat(40);
  await tamper(bench, 'app/understudy.json', (content) => {
    const record = JSON.parse(content.toString()) as { refs: { id: string }[]; kept: string[]; packs: number };
    record.refs[0]!.id = lost;
    record.kept = [lost];
    record.packs++;
    return Buffer.from(JSON.stringify(record));
  });
  const { proof } = await proveWith(bench, { threads: 0, level: 4 });
  expect(failed(proof)).toMatchObject([
    {
      name: 'record',
      level: 3,
      detail: [
        'packs: the record says 2, the snapshot holds 1',
        `refs/heads/main: the record says ${lost}, the mirror ${head}`,
        `${lost}: a commit that no branch has, and it is lost`,
      ],
    },
  ]);
});

test('a ref to an object that is nowhere is found by git, though record and mirror agree', async () => {
  await using repository = await backedUp();
  const { bench, head } = repository;
  const lost = '1'.repeat(40);
  const forge = (content: Buffer): Buffer => Buffer.from(content.toString().replaceAll(head, lost));
  await tamper(bench, 'app/understudy.json', forge);
  await tamper(bench, 'app/repository.git/packed-refs', forge);
  const { proof } = await proveWith(bench, { threads: 0, level: 4 });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof).map(({ name }) => name)).toEqual(['git fsck', 'git clone']);
  expect(failed(proof)[0]?.detail.join()).toContain(lost);
});

test('what the user of the tester has configured for git changes nothing', async () => {
  await using repository = await backedUp();
  const { bench } = repository;
  const home = bench.directory.join('home');
  mkdirSync(home);
  writeFileSync(join(home, '.gitconfig'), '[safe]\nbareRepository = explicit\n[fsck]\nskipList = /nowhere\n');
  vi.stubEnv('HOME', home);
  const { proof } = await proveWith(bench, { threads: 0, level: 4 });
  expect(problemsOf(proof)).toEqual([]);
});

test('a tester on which git has no room, or no memory, is not a bad backup', async () => {
  await using repository = await backedUp();
  const { bench } = repository;
  const program = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
  const programs = bench.directory.join('programs');
  mkdirSync(programs);
  const { PATH = '' } = process.env;
  vi.stubEnv('PATH', `${programs}:${PATH}`);
  for (const [command, words, name] of [
    ['clone', 'error: unable to write file picture', 'git clone'],
    ['fsck', 'fatal: Out of memory, malloc failed (tried to allocate 7 bytes)', 'git fsck'],
  ]) {
    const script = `#!/bin/sh\ncase " $* " in *" ${command} "*) echo '${words}' >&2; exit 128;; esac\nexec ${program} "$@"\n`;
    writeFileSync(join(programs, 'git'), script, { mode: 0o755 });
    const { proof } = await proveWith(bench, { threads: 0, level: 4 });
    expect(proof.verdict, command).toBe('inconclusive');
    expect(proof.checks.find(({ status }) => status === 'inconclusive')).toMatchObject({ name });
  }
});
