import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Secret } from '../base/secret.ts';
import { commit, git, listen, openBench } from '../testing/gitBench.ts';
import { listProcesses } from '../testing/processes.ts';
import { rootOnly } from '../testing/needs.ts';
import { serverUser } from '../testing/serverUser.ts';

afterEach(() => vi.unstubAllEnvs());

test('all refs, stashes and a detached head are restored by stock restic into what git clones and checks', async () => {
  await using bench = await openBench();
  const { work } = bench;
  git(work, 'tag', '-a', 'v1', '-m', 'first');
  git(work, 'branch', 'old/feature', 'HEAD~1');
  for (const name of ['first', 'second']) {
    appendFileSync(join(work, 'one'), name);
    git(work, 'stash', 'push', '-q', '-m', name);
  }
  git(work, 'checkout', '-q', '--detach');
  const detached = commit(work, 'three');
  const result = await bench.backUp();
  const { record } = result;
  expect(record).toMatchObject({
    head: { ref: null, id: detached },
    stashes: 2,
    working: { changed: 0, untracked: 0 },
  });
  expect(record.kept).toEqual([detached, git(work, 'rev-parse', 'stash@{1}')].sort());
  const mirror = bench.restore(result);
  git(mirror, 'fsck', '--full', '--strict');
  const refs = git(work, 'for-each-ref', '--format=%(objectname) %(refname)').split('\n');
  const restored = git(mirror, 'for-each-ref', '--format=%(objectname) %(refname)').split('\n');
  expect(restored).toEqual(expect.arrayContaining(refs));
  expect(record.refs.map(({ name, id }) => `${id} ${name}`).sort()).toEqual(refs.sort());
  for (const id of record.kept) git(mirror, 'cat-file', '-e', `${id}^{tree}`);
  git(bench.dir.path, 'clone', '-q', mirror, bench.dir.join('clone'));
  expect(git(bench.dir.join('clone'), 'rev-parse', 'HEAD')).toBe(detached);
  expect(git(bench.dir.join('clone'), 'rev-parse', 'origin/old/feature', 'v1^{}').split('\n')).toEqual([
    git(work, 'rev-parse', 'old/feature'),
    git(work, 'rev-parse', 'main'),
  ]);
});

test('branches are compared with every remote: equal, ahead, behind, diverged, only here, only there, unreachable', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  for (const name of ['first', 'second']) {
    git(dir.path, 'init', '-q', '--bare', '-b', 'main', dir.join(`${name}.git`));
    git(work, 'remote', 'add', name, `../${name}.git`);
  }
  git(work, 'remote', 'add', 'gone', dir.join('gone.git'));
  git(work, 'branch', 'release');
  git(work, 'branch', 'only-first');
  git(work, 'push', '-q', 'first', '--all');
  git(work, 'push', '-q', 'second', 'main', 'release');
  git(work, 'branch', '-D', '-q', 'only-first');
  git(work, 'branch', 'only-here');
  const other = dir.join('other');
  git(dir.path, 'clone', '-q', dir.join('second.git'), other);
  const foreign = commit(other, 'theirs');
  git(other, 'push', '-q', 'origin', 'main', 'main:release');
  commit(work, 'ours');
  const result = await bench.backUp();
  const states = result.record.remotes.map(({ name, state, branches }) => [
    name,
    state,
    branches.map((one) => `${one.name} ${one.state} ${one.ahead} ${one.behind}`),
  ]);
  expect(states).toEqual([
    [
      'first',
      'reachable',
      ['main ahead 1 0', 'only-first only-there 0 0', 'only-here only-here 0 0', 'release equal 0 0'],
    ],
    ['second', 'reachable', ['main diverged 1 1', 'only-here only-here 0 0', 'release behind 0 1']],
    ['gone', 'unreachable', []],
  ]);
  expect(result.record.remotes[2]?.reason).toMatch(/gone\.git' does not appear to be a git repository/);
  git(bench.restore(result), 'cat-file', '-e', foreign); // what only a remote has is in the backup
});

test('a second backup stores the new pack and little else; branches that went are gone', async () => {
  await using bench = await openBench();
  const { work } = bench;
  writeFileSync(join(work, 'large'), Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * at * 31) % 251)));
  commit(work, 'large-too');
  git(work, 'add', 'large');
  git(work, 'commit', '-q', '-m', 'large');
  git(work, 'branch', 'a');
  const first = await bench.backUp();
  git(work, 'branch', '-D', '-q', 'a');
  git(work, 'branch', 'a/b');
  commit(work, 'small');
  git(work, 'gc', '-q', '--aggressive', '--prune=now');
  const second = await bench.backUp();
  expect(second.record).toMatchObject({ parent: first.snapshot.id, packs: 2 });
  expect(second.record.refs.map(({ name }) => name)).toEqual(['refs/heads/a/b', 'refs/heads/main']);
  expect(second.totals.addedBytes).toBeLessThan(20_000);
  const third = await bench.backUp();
  expect(third.totals.dataBlobs).toBe(1); // the record
});

test('what is not in git is told: changes, new files, submodules, LFS, shallow history', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  writeFileSync(join(work, '.gitmodules'), '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib\n');
  mkdirSync(join(work, 'assets'));
  writeFileSync(join(work, 'assets/.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs\n');
  git(work, 'add', '.');
  git(work, 'commit', '-q', '-m', 'submodule');
  git(work, 'mv', 'one', 'uno');
  appendFileSync(join(work, 'two'), 'more');
  writeFileSync(join(work, 'new'), '');
  const { record } = await bench.backUp();
  expect(record).toMatchObject({ working: { changed: 2, untracked: 1 }, submodules: ['vendor/lib'], usesLfs: true });
  git(dir.path, 'clone', '-q', '--depth=1', `file://${work}`, dir.join('shallow'));
  const shallow = await bench.backUp({ path: dir.join('shallow'), mirrorDirectory: dir.join('mirror2') });
  expect(shallow.record).toMatchObject({ isShallow: true, submodules: ['vendor/lib'] });
});

test('a bare repository, an empty one, one of another object format, and a remote alone are backed up', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  git(dir.path, 'clone', '-q', '--bare', work, dir.join('bare.git'));
  const bare = await bench.backUp({ path: dir.join('bare.git') });
  expect(bare.record).toMatchObject({ working: null, head: { ref: 'refs/heads/main' } });
  git(dir.path, 'init', '-q', '-b', 'trunk', '--object-format=sha256', dir.join('empty'));
  const empty = await bench.backUp({ path: dir.join('empty') });
  expect(empty.record).toMatchObject({ objectFormat: 'sha256', refs: [], head: { ref: 'refs/heads/trunk', id: null } });
  git(dir.path, 'clone', '-q', bench.restore(empty), dir.join('clone'));
  const remotes = { origin: new Secret(`file://${dir.join('bare.git')}`), copy: new Secret(work) };
  const alone = await bench.backUp({ path: undefined, remotes });
  expect(alone.record).toMatchObject({
    from: `file://${dir.join('bare.git')}`,
    head: { ref: 'refs/heads/main' },
    remotes: [{ name: 'copy', branches: [{ name: 'main', state: 'equal' }] }],
  });
});

test('a damaged mirror is made anew; a damaged repository is refused, and so is what is none', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  await bench.backUp();
  const packs = dir.join('mirror/repository.git/objects/pack');
  for (const name of readdirSync(packs).filter((each) => each.endsWith('.pack'))) {
    chmodSync(join(packs, name), 0o600);
    writeFileSync(join(packs, name), 'damaged');
  }
  writeFileSync(dir.join('mirror/repository.git/packed-refs.lock'), ''); // of a git that was killed
  git(bench.restore(await bench.backUp()), 'fsck', '--full');
  const blob = git(work, 'rev-parse', 'HEAD:two');
  rmSync(join(work, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  await expect(bench.backUp({ mirrorDirectory: dir.join('fresh') })).rejects.toMatchObject({ code: 'program-failed' });
  await expect(bench.backUp({ path: dir.path })).rejects.toMatchObject({ code: 'source-unsuitable' });
  await expect(bench.backUp({ path: dir.join('none') })).rejects.toMatchObject({ code: 'file-missing' });
});

rootOnly('a repository of another user is read with the rights of that user', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  const { uid, gid } = serverUser()!;
  execFileSync('chown', ['-R', `${uid}:0`, work]); // a group that its owner is not in
  git(work, '-c', `safe.directory=${work}`, 'config', 'alias.x', '!true');
  writeFileSync(join(work, '.gitattributes'), '* filter=spy\n');
  git(
    work,
    '-c',
    `safe.directory=${work}`,
    'config',
    'filter.spy.clean',
    `{ id -u; id -G; } > ${dir.join('open/who')}; cat`,
  );
  mkdirSync(dir.join('open'));
  chmodSync(dir.join('open'), 0o777);
  appendFileSync(join(work, 'one'), 'more');
  const { record } = await bench.backUp();
  expect(record.working).toMatchObject({ changed: 1, untracked: 1 });
  expect(record.refs.map(({ name }) => name)).toEqual(['refs/heads/main']);
  expect(readFileSync(dir.join('open/who'), 'utf8')).toBe(`${uid}\n${gid}\n`);
  const alone = await bench.backUp({ path: undefined, remotes: { origin: new Secret(work) } });
  expect(alone.record.refs).toEqual(record.refs);
});

rootOnly('of a repository of another user, only remotes that we are told of are contacted', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  git(dir.path, 'clone', '-q', '--bare', work, dir.join('private.git')); // which root alone may read
  chmodSync(dir.join('private.git'), 0o700);
  git(work, 'remote', 'add', 'planted', dir.join('private.git'));
  git(work, 'remote', 'add', 'wanted', dir.join('nowhere.git'));
  execFileSync('chown', ['-R', String(serverUser()!.uid), work]);
  const { record } = await bench.backUp({ remotes: { wanted: new Secret(dir.join('private.git')) } });
  expect(record.remotes).toMatchObject([
    { name: 'wanted', url: dir.join('private.git'), state: 'reachable' },
    { name: 'planted', state: 'unreachable', reason: expect.stringContaining('belongs to another user') },
  ]);
});

test('the mirror is kept when it is not what failed, and made anew only when it is damaged', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  await bench.backUp();
  const packs = (): string[] => readdirSync(dir.join('mirror/repository.git/objects/pack'));
  const before = packs();
  commit(work, 'three');
  const blob = git(work, 'rev-parse', 'HEAD:three');
  rmSync(join(work, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  await expect(bench.backUp()).rejects.toMatchObject({ code: 'program-failed' });
  expect(packs()).toEqual(expect.arrayContaining(before));
  expect(statSync(dir.join('mirror/repository.git')).mode & 0o777).toBe(0o700);
});

test('branches may be called as git calls its unfinished files', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  const names = ['tmp_obj/x', 'tmp_pack'];
  for (const name of names) git(work, 'branch', name);
  await bench.backUp();
  const mirror = dir.join('mirror/repository.git');
  for (const name of names) git(mirror, 'update-ref', `refs/heads/${name}`, 'main~1'); // as left by a killed run
  writeFileSync(join(mirror, 'objects/pack/tmp_pack_XXXX'), 'unfinished');
  const { record } = await bench.backUp();
  expect(record.refs.map(({ name }) => name)).toEqual(['main', ...names].map((name) => `refs/heads/${name}`));
  expect(existsSync(join(mirror, 'objects/pack/tmp_pack_XXXX'))).toBe(false);
});

test('what a repository runs does not see how we get to the network', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  vi.stubEnv('http_proxy', 'http://robot:hunter4@127.0.0.1:1');
  writeFileSync(join(work, '.gitattributes'), '* filter=spy\n');
  git(work, 'config', 'filter.spy.clean', `env > ${dir.join('environment')}; cat`);
  utimesSync(join(work, 'one'), 1, 1); // of the same size: git has to look at its content, through the filter
  await bench.backUp();
  expect(readFileSync(dir.join('environment'), 'utf8')).not.toContain('hunter4');
});

test('credentials are for the remote that they are of, and not for where it leads', async () => {
  await using bench = await openBench();
  const { work } = bench;
  const seen: (string | undefined)[] = [];
  await using other = await listen(({ headers }, response) => {
    seen.push(headers.authorization);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  await using server = await listen(({ url }, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${other.port}${url}` }).end();
  });
  git(work, 'remote', 'add', 'web', `http://robot:hunter2@127.0.0.1:${server.port}/app.git`);
  const { record } = await bench.backUp();
  expect(record.remotes).toMatchObject([{ name: 'web', state: 'unreachable' }]);
  expect(seen).toEqual([undefined]);
});

test('nothing that a repository brings with it is run', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  writeFileSync(join(work, '.git/hooks/reference-transaction'), `#!/bin/sh\ntouch ${dir.join('hook')}\n`, {
    mode: 0o755,
  });
  git(work, '-c', 'core.hooksPath=/dev/null', 'remote', 'add', 'ssh', 'ssh://127.0.0.1:1/app.git');
  git(work, 'config', 'core.fsmonitor', `touch ${dir.join('monitor')}; false`);
  git(work, 'config', 'core.sshCommand', `touch ${dir.join('ssh')}; false`);
  const { record } = await bench.backUp();
  expect(record.remotes).toMatchObject([{ name: 'ssh', state: 'unreachable' }]);
  expect(readdirSync(dir.path).sort()).toEqual(['mirror', 'repository', 'work']);
});

test('credentials reach the remote, and nobody else: no process list, record, error or file has them', async () => {
  await using bench = await openBench();
  const { dir, work } = bench;
  const seen: (string | undefined)[] = [];
  let commandLines = '';
  await using server = await listen(({ headers }, response) => {
    seen.push(headers.authorization);
    commandLines += listProcesses()
      .map(({ command }) => command)
      .join('\n');
    if (headers.authorization !== undefined) return response.writeHead(404).end();
    return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  const { port } = server;
  git(work, 'remote', 'add', 'web', `http://robot:hunter2@127.0.0.1:${port}/app.git`);
  const result = await bench.backUp({ remotes: { other: new Secret('http://hunter3@127.0.0.1:1/app.git') } });
  expect(seen).toContain(`Basic ${Buffer.from('robot:hunter2').toString('base64')}`);
  expect(commandLines).toContain(`127.0.0.1:${port}/app.git`);
  expect(commandLines).not.toContain('hunter');
  expect(result.record.remotes).toMatchObject([
    {
      name: 'web',
      url: `http://127.0.0.1:${port}/app.git`,
      state: 'unreachable',
      reason: expect.stringContaining('not found'),
    },
    { name: 'other', url: 'http://127.0.0.1:1/app.git', state: 'unreachable' },
  ]);
  expect(JSON.stringify(result.record)).not.toContain('hunter');
  bench.restore(result);
  rmSync(join(work, '.git/config')); // where it comes from
  expect(() => execFileSync('grep', ['-r', 'hunter', dir.path])).toThrow(expect.objectContaining({ status: 1 }));
});
