import { existsSync } from 'node:fs';
import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { rootOnly } from '../testing/needs.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { tempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { openProgram, runProgram } from './runProgram.ts';

const ctx = createContext();

function sh(script: string) {
  return { program: 'sh', args: ['-c', script] };
}

async function failure(work: Promise<unknown>): Promise<OperationError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OperationError)) throw new Error(`no operation error: ${String(error)}`);
  return error;
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half');
  await Promise.resolve();
  throw new Error('source died');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 5_000, interval: 20 }).toBe(false);
}

/** Reads the first line that a streaming program prints. */
async function firstLine(stdout: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stdout) {
    text += chunk.toString('utf8');
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0] ?? '';
}

test('captures what a program prints', async () => {
  const output = await runProgram(ctx, sh('echo out; echo warning >&2'));
  expect(output).toEqual({ stdout: 'out\n', stderr: ['warning'] });
});

test('a failure says why in one line and keeps the last lines', async () => {
  const error = await failure(runProgram(ctx, sh('echo "x: error: no such table" >&2; echo done >&2; exit 3')));
  expect(error.code).toBe('program-failed');
  expect(error.message).toBe('sh failed with exit status 3: x: error: no such table');
  expect(error.detail).toMatchObject({ exitStatus: 3, stderr: ['x: error: no such table', 'done'] });
});

test('the exit status is the truth, not the end of the output', async () => {
  await using running = await openProgram(ctx, sh('echo all; exit 1'));
  let text = '';
  for await (const chunk of running.stdout) text += chunk.toString('utf8');
  expect(text).toBe('all\n');
  expect((await failure(running.exitedCleanly())).code).toBe('program-failed');
});

test('death by a signal is a failure', async () => {
  expect((await failure(runProgram(ctx, sh('kill -9 $$')))).message).toBe('sh was ended by SIGKILL');
});

test('a missing program names the package, a missing directory the directory', async () => {
  const error = await failure(runProgram(ctx, { program: '/nowhere/pg_verifybackup', args: [] }));
  expect(error.code).toBe('program-missing');
  expect(error.hint).toContain('apt-get install postgresql-');
  expect((await failure(runProgram(ctx, { ...sh('true'), cwd: '/nowhere' }))).code).toBe('file-missing');
  expect((await failure(runProgram(ctx, { program: '/etc/passwd', args: [] }))).code).toBe('program-missing');
});

test('standard error is kept bounded', async () => {
  const error = await failure(
    runProgram(ctx, sh('i=0; while [ $i -lt 500 ]; do echo l$i >&2; i=$((i+1)); done; exit 1')),
  );
  expect(error.detail['stderr']).toEqual(Array.from({ length: 50 }, (_, index) => `l${450 + index}`));
});

test('too much output ends the program', async () => {
  const error = await failure(runProgram(ctx, { program: 'yes', args: [], maxOutputBytes: 100_000 }));
  expect(error.message).toContain('more than 100000 bytes');
});

test('input is written, and a program that does not read it all is no error', async () => {
  expect((await runProgram(ctx, { program: 'cat', args: [], input: Buffer.from('abc') })).stdout).toBe('abc');
  await runProgram(ctx, { program: 'true', args: [], input: Buffer.alloc(4_000_000) });
});

test('an input that fails ends the program and is the error', async () => {
  await expect(runProgram(ctx, { program: 'cat', args: [], input: broken() })).rejects.toThrow('source died');
});

test('abort ends the program with the reason of the abort', async () => {
  const abort = new AbortController();
  const running = runProgram(createContext({ signal: abort.signal }), sh('exec sleep 600'));
  abort.abort(new Error('stop now'));
  await expect(running).rejects.toThrow('stop now');
});

test('a program that ignores SIGTERM is killed with its children', async () => {
  const running = await openProgram(ctx, { ...sh(`trap '' TERM; sleep 600 & echo $!; wait; wait`), graceMs: 100 });
  const grandchild = Number(await firstLine(running.stdout));
  expect(isAlive(grandchild)).toBe(true);
  await running[Symbol.asyncDispose]();
  await gone(running.pid);
  await gone(grandchild);
});

test('nobody listens any more to what an ended program has left running', async () => {
  await using directory = await tempDir();
  const left = 'while [ ! -e go ]; do sleep 0.01; done; echo late >&2; : > done';
  const lines: string[] = [];
  const running = await openProgram(createContext({ clock: new SimulatedClock() }), {
    ...sh(`trap '' PIPE; echo early >&2; (${left}) >/dev/null &`),
    cwd: directory.path,
    onStderrLine: (line) => lines.push(line),
  });
  expect(await firstLine(running.stdout)).toBe('');
  await waitFor(() => lines.includes('early'), { what: 'its own words' });
  await running.exitedCleanly();
  await running[Symbol.asyncDispose]();
  await writeFile(directory.join('go'), '');
  await waitFor(() => existsSync(directory.join('done')), { what: 'the end of what it left' });
  expect(lines).toEqual(['early']);
});

test('children see the allow-list and what they were given, nothing else', async () => {
  process.env['UNDERSTUDY_TEST_LEAK'] = 'leak';
  try {
    const { stdout } = await runProgram(ctx, { program: 'env', args: [], env: { PGPASSWORD: new Secret('pw') } });
    expect(stdout).not.toContain('leak');
    expect(stdout).toContain('PGPASSWORD=pw\n');
    expect(stdout).toContain('LC_MESSAGES=C\n');
  } finally {
    delete process.env['UNDERSTUDY_TEST_LEAK'];
  }
});

rootOnly('drops to another user, with its groups and a neutral home', async () => {
  const user = { name: 'nobody', uid: 65534, gid: 65534 };
  const { stdout } = await runProgram(ctx, { ...sh('id -u; id -G; pwd; echo $HOME'), user });
  expect(stdout).toBe('65534\n65534\n/\n/\n');
});

rootOnly('a program the user may not reach is named with the question to ask', async () => {
  const user = { name: 'nobody', uid: 65534, gid: 65534 };
  await using directory = await tempDir();
  await copyFile('/bin/true', directory.join('tool'));
  await chmod(directory.path, 0o700);
  const error = await failure(runProgram(ctx, { program: directory.join('tool'), args: [], user }));
  expect(error.code).toBe('program-missing');
  expect(error.message).toContain('may not be executed by user nobody');
});
