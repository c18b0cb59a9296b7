import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { backupFiles } from '../backup/filesBackup.ts';
import { createContext } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { silentProgress } from '../base/progress.ts';
import { listProcesses } from '../testing/processes.ts';
import { newRepository } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { tempDir } from '../testing/tempDir.ts';
import { backUp } from '../testing/testSnapshots.ts';
import { waitFor } from '../testing/waitFor.ts';
import { runStep } from './fixture/stepRun.ts';
import { endLeftovers } from './leftovers.ts';

describe('run', () => {
  test('a program gets its environment, and what it prints is kept', async () => {
    await using directory = await tempDir();
    const output: string[] = [];
    const result = await runStep(
      { kind: 'run', shell: 'pwd; echo "$DSN" >&2; printf last', environment: { DSN: 'x ${dsn} $${dsn}' } },
      { directory: directory.path, secrets: { dsn: 'swordfish' }, output },
    );
    expect(result.facts).toEqual({ outputLines: 3 });
    expect(output.sort()).toEqual([directory.path, 'last', 'x swordfish ${dsn}']);
  });

  test('a relative directory lies in the working directory of the run', async () => {
    await using directory = await tempDir();
    mkdirSync(directory.join('inner'));
    const output: string[] = [];
    await runStep({ kind: 'run', command: ['pwd'], directory: 'inner' }, { directory: directory.path, output });
    expect(output).toEqual([directory.join('inner')]);
  });

  test('output that cannot be kept fails the step, at its end', async () => {
    await using directory = await tempDir();
    const full = new OperationError('file-io', 'no space left');
    const output: string[] = [];
    output.push = () => {
      throw full;
    };
    const step = { kind: 'run', shell: 'echo one; echo two >&2; echo three; : > done' };
    await expect(runStep(step, { directory: directory.path, output })).rejects.toBe(full);
    expect(existsSync(directory.join('done'))).toBe(true);
  });

  test('no shell looks at a command', async () => {
    const output: string[] = [];
    await runStep({ kind: 'run', command: ['echo', '$HOME; false'] }, { output });
    expect(output).toEqual(['$HOME; false']);
  });

  test('a program that fails is a failed step', async () => {
    const step = runStep({ kind: 'run', shell: 'echo "error: no such thing" >&2; exit 3' });
    await expect(step).rejects.toMatchObject({
      code: 'program-failed',
      message: 'sh failed with exit status 3: error: no such thing',
    });
    await expect(runStep({ kind: 'run', command: ['no-such-program-here'] })).rejects.toMatchObject({
      code: 'program-missing',
    });
  });

  test('when its time is up the program ends with everything that it started', async () => {
    await using directory = await tempDir();
    const abort = new AbortController();
    const late = new OperationError('step-failed', 'too late');
    const running = runStep(
      { kind: 'run', shell: 'sleep 4321 & echo $! > child; wait' },
      { directory: directory.path, ctx: createContext({ signal: abort.signal }) },
    );
    running.catch(() => undefined);
    const child = Number(await waitFor(() => content(directory.join('child')), { what: 'the child' }));
    abort.abort(late);
    await expect(running).rejects.toBe(late);
    await waitFor(() => !isAlive(child), { what: 'end of the child' });
  });

  test('processes that a killed run left behind are found and ended', async () => {
    await using directory = await tempDir();
    const running = runStep(
      { kind: 'run', shell: 'setsid sleep 4322 & echo $! > child; wait' },
      { directory: directory.path },
    );
    const failed = expect(running).rejects.toMatchObject({ code: 'program-failed' });
    const child = Number(await waitFor(() => content(directory.join('child')), { what: 'the child' }));
    expect(endLeftovers('another run')).toEqual([]);
    expect(endLeftovers(`test-${process.pid}`, ['another step'])).toEqual([]);
    expect(endLeftovers(`test-${process.pid}`, ['another step', 'step'])).toContain(child);
    await failed;
    await waitFor(() => !isAlive(child), { what: 'end of the child' });
  });
});

test('notify hands its message over', async () => {
  const output: string[] = [];
  await runStep({ kind: 'notify', message: 'the drill begins', command: ['cat'] }, { output });
  expect(output).toEqual(['the drill begins']);
});

describe('http', () => {
  test('a URL is asked until the answer is right', async () => {
    let asked = 0;
    await using server = await serve((request, response) => {
      response.statusCode = ++asked < 3 ? 503 : 200;
      response.end(JSON.stringify({ status: 'ok', checks: { database: request.headers['authorization'] } }));
    });
    const result = await runStep(
      {
        kind: 'http',
        url: server.url,
        headers: { authorization: 'Bearer ${token}' },
        expect: { json: { 'status': 'ok', 'checks.database': 'Bearer swordfish' } },
        every: '10ms',
      },
      { secrets: { token: 'swordfish' } },
    );
    expect(result.facts).toEqual({ asked: 3 });
  });

  test('what is not only asked is sent once, whatever the answer', async () => {
    const methods: (string | undefined)[] = [];
    await using server = await serve((request, response) => {
      methods.push(request.method);
      response.statusCode = 503;
      response.end();
    });
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const step = runStep({ kind: 'http', url: server.url, method, every: '1ms', for: '1s' });
      await expect(step).rejects.toThrow('not the expected answer: status 503 instead of 200');
    }
    expect(methods).toEqual(['POST', 'PUT', 'DELETE']);
  });

  test('a wrong answer, none, and no JSON are told when the time is up', async () => {
    await using server = await serve((request, response) => {
      response.end(request.url === '/text' ? 'not JSON' : '{"status":"down"}');
    });
    const ask = (url: string, expected: object) => {
      const ctx = createContext({ clock: new PatientClock() });
      return runStep({ kind: 'http', url, expect: expected, for: '3s', every: '2s' }, { ctx });
    };
    await expect(ask(server.url, { json: { status: 'ok' } })).rejects.toMatchObject({
      code: 'step-failed',
      message: 'no such answer within 3 s: status is not "ok"',
    });
    await expect(ask(server.url, { status: 204 })).rejects.toThrow('status 200 instead of 204');
    await expect(ask(`${server.url}text`, { json: { a: 1 } })).rejects.toThrow('not valid JSON');
    await expect(ask('http://127.0.0.1:1/', {})).rejects.toThrow('no such answer');
  });
});

describe('wait', () => {
  test('for a span and until a moment', async () => {
    const clock = new SimulatedClock('2026-11-22T10:00:00Z');
    const ctx = createContext({ clock });
    expect(await runStep({ kind: 'wait', for: '90s' }, { ctx })).toEqual({ summary: 'waited 1 min 30 s' });
    await runStep({ kind: 'wait', until: '2026-11-22 11:02:00+01:00' }, { ctx });
    await runStep({ kind: 'wait', until: '2026-11-22T09:00:00Z' }, { ctx });
    expect(clock.sleeps).toEqual([90_000, 30_000]);
    await expect(runStep({ kind: 'wait', until: '2026-13-45T25:00Z' }, { ctx })).rejects.toThrow('no such time');
  });

  test('for a file and for a port', async () => {
    await using directory = await tempDir();
    const waiting = runStep({ kind: 'wait', file: 'ready', every: '5ms' }, { directory: directory.path });
    writeFileSync(directory.join('ready'), '');
    await waiting;
    await using server = await serve((_request, response) => response.end());
    const number = Number(new URL(server.url).port);
    await runStep({ kind: 'wait', port: { number } });
    const abort = AbortSignal.timeout(50);
    const ctx = createContext({ signal: abort });
    await expect(runStep({ kind: 'wait', port: { number: 1 }, every: '5ms' }, { ctx })).rejects.toThrow();
  });
});

test('restore-files restores a snapshot, and goes on after it was cut short', async () => {
  await using directory = await tempDir();
  const ctx = createContext();
  const repository = await newRepository();
  const snapshot = await backUp(ctx, repository, { files: { one: Buffer.from('1'), two: Buffer.from('22') } });
  const services = { repository: () => Promise.resolve(repository) };
  const options = { directory: directory.path, services };
  const step = { kind: 'restore-files', destination: 'app', path: '/data' };
  const result = await runStep(step, options);
  expect(result).toMatchObject({ summary: 'restored 2 files', facts: { snapshot: snapshot.id, bytes: 3 } });
  expect(readFileSync(directory.join('app/two'), 'utf8')).toBe('22');
  await expect(runStep(step, options)).rejects.toMatchObject({ code: 'destination-not-empty' });
  writeFileSync(directory.join('.restoring-step'), ''); // as the former attempt leaves it when it is killed
  writeFileSync(directory.join('app/two'), '2?');
  await runStep(step, options);
  expect(readFileSync(directory.join('app/two'), 'utf8')).toBe('22');
  expect(existsSync(directory.join('.restoring-step'))).toBe(false);
});

test('a backup that lacks something is restored, and told', async () => {
  await using directory = await tempDir();
  const ctx = createContext();
  const repository = await newRepository();
  mkdirSync(directory.join('live'));
  writeFileSync(directory.join('live/one'), '1');
  const paths = [directory.join('live'), directory.join('gone')];
  const rules = { exclude: [], excludeFiles: [], excludeCaches: true, oneFileSystem: false, secrets: [] };
  const options = { source: 'app', optionalPaths: [], threads: 0, progress: silentProgress, ...rules };
  const services = { repository: () => Promise.resolve(repository) };
  for (const flaw of ['it is incomplete', null]) {
    await backupFiles(ctx, repository, { ...options, paths: flaw === null ? paths.slice(0, 1) : paths });
    const step = { kind: 'restore-files', source: 'app', destination: `app-${flaw}` };
    expect((await runStep(step, { directory: directory.path, services })).facts).toMatchObject({ flaw });
  }
});

test('of a source of files its content is restored, not where it lay and not the record', async () => {
  await using directory = await tempDir();
  const repository = await newRepository();
  mkdirSync(directory.join('live/conf'), { recursive: true });
  writeFileSync(directory.join('live/one'), '1');
  writeFileSync(directory.join('live/conf/two'), '2');
  const rules = { exclude: [], excludeFiles: [], excludeCaches: true, oneFileSystem: false, secrets: [] };
  const options = { source: 'app', optionalPaths: [], threads: 0, progress: silentProgress, ...rules };
  await backupFiles(createContext(), repository, { ...options, paths: [directory.join('live')] });
  const services = { repository: () => Promise.resolve(repository) };
  const restored = async (destination: string, path: string) => {
    await runStep({ kind: 'restore-files', source: 'app', destination, path }, { directory: directory.path, services });
    return readdirSync(directory.join(destination), { recursive: true, encoding: 'utf8' }).toSorted();
  };
  expect(await restored('all', '')).toEqual(['conf', 'conf/two', 'one']);
  expect(await restored('part', 'conf')).toEqual(['two']);
  expect(await restored('record', '/app')).toContain('understudy.json');
});

/** Goes on by itself only for pauses, not for the time-outs that run beside them. */
class PatientClock extends SimulatedClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return ms === 10_000 ? new Promise(() => undefined) : super.sleep(ms, signal);
  }
}

async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function content(path: string): string | undefined {
  return existsSync(path) && readFileSync(path, 'utf8').endsWith('\n') ? readFileSync(path, 'utf8') : undefined;
}

function isAlive(pid: number): boolean {
  return listProcesses().some((entry) => entry.pid === pid);
}
