import { hostname } from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { FaultBackend, type FaultPlan } from '../backend/fault.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { silentLog } from '../base/log.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { newRepository, objectNames, password } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUp } from '../testing/testSnapshots.ts';
import { checkRepository } from './check.ts';
import { listLocks, removeLocks } from './heldLocks.ts';
import { RepositoryLock, withLock } from './lock.ts';
import { createLockDocument, serializeLock, type LockDocument } from './lockDocument.ts';
import { Repository } from './repository.ts';
import { Upload } from './upload.ts';

const minuteMs = 60_000;

/** A repository in memory, a clock that the test owns, and the heartbeat of locks in the test's hand. */
async function setUp(plan: FaultPlan = {}) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const clock = new SimulatedClock();
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_: unknown, message: string) => void warnings.push(message) };
  const ctx = createContext({ clock, log });
  const inner = openMemoryBackend();
  await newRepository({ ctx, backend: inner });
  const backend = new FaultBackend(inner, plan);
  const open = (on: Backend = backend) => Repository.open(ctx, on, { password });
  /** Lets time pass in steps of a heartbeat. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 15_000) {
      clock.advance(15_000);
      await vi.advanceTimersByTimeAsync(15_000);
    }
  };
  return { ctx, clock, warnings, inner, backend, open, pass, repository: await open() };
}

function putLock(repository: Repository, parts: Partial<LockDocument>): Promise<string> {
  const lock = { ...createLockDocument(new Date('2026-11-22T10:00:00Z'), true), ...parts };
  return repository.saveDocument(createContext(), 'locks', serializeLock(lock));
}

/** A lock as stock restic writes it: without a holder. */
function putStockLock(repository: Repository, parts: Partial<LockDocument> = {}): Promise<string> {
  const { holder: _, ...plain } = createLockDocument(new Date('2026-11-22T10:00:00Z'), true);
  return repository.saveDocument(createContext(), 'locks', serializeLock({ ...plain, ...parts }));
}

test.each([
  [false, false, true],
  [false, true, false],
  [true, false, false],
  [true, true, false],
])('held exclusively: %s, wanted exclusively: %s, granted: %s', async (held, wanted, granted) => {
  const { ctx, open, repository, inner } = await setUp();
  const other = await open();
  await using _ = await RepositoryLock.acquire(ctx, repository, { exclusive: held });
  const attempt = withLock(ctx, other, { exclusive: wanted, run: async () => 'ran' });
  if (granted) expect(await attempt).toBe('ran');
  else {
    await expect(attempt).rejects.toMatchObject({
      code: 'repository-locked',
      message: expect.stringContaining(`pid ${process.pid}`),
      hint: expect.stringContaining('--retry-lock'),
    });
  }
  expect(await objectNames(inner, 'locks/')).toHaveLength(1);
});

test('a lock is gone after the work, whether it succeeds, fails or is stopped', async () => {
  const { ctx, repository, inner } = await setUp();
  await withLock(ctx, repository, { exclusive: true, run: async () => undefined });
  expect(await objectNames(inner, 'locks/')).toEqual([]);
  const failing = withLock(ctx, repository, { exclusive: true, run: () => Promise.reject(new Error('work failed')) });
  await expect(failing).rejects.toThrow('work failed');
  const stop = new AbortController();
  const stopped = withLock({ ...ctx, signal: stop.signal }, repository, {
    exclusive: true,
    run: async (locked) => {
      stop.abort(new Error('stopped'));
      locked.signal.throwIfAborted();
    },
  });
  await expect(stopped).rejects.toThrow('stopped');
  expect(await objectNames(inner, 'locks/')).toEqual([]);
});

test('of two that want it exclusively at the same time at most one gets it, and nothing stays behind', async () => {
  const { ctx, open, inner } = await setUp();
  let holders = 0;
  let most = 0;
  const attempts = Array.from({ length: 4 }, async () => {
    await using _ = await RepositoryLock.acquire(ctx, await open(), { exclusive: true });
    most = Math.max(most, ++holders);
    await new Promise((resolve) => setImmediate(resolve));
    holders--;
  });
  await Promise.allSettled(attempts);
  expect(most).toBeLessThanOrEqual(1);
  expect(await objectNames(inner, 'locks/')).toEqual([]);
});

test('a conflict seen only after our lock was written is still a conflict', async () => {
  const { ctx, repository, open, backend, inner } = await setUp();
  const other = await open(inner);
  const put = backend.put.bind(backend);
  vi.spyOn(backend, 'put').mockImplementation(async (...put_) => {
    await putLock(other, {});
    return put(...put_);
  });
  const attempt = RepositoryLock.acquire(ctx, repository, { exclusive: false });
  await expect(attempt).rejects.toMatchObject({ code: 'repository-locked' });
  expect(await objectNames(inner, 'locks/')).toHaveLength(1);
});

test('--retry-lock waits, longer and longer, and gives up in time', async () => {
  const { ctx, clock, repository, open } = await setUp();
  const other = await open();
  const held = await RepositoryLock.acquire(ctx, other, { exclusive: true });
  const before = clock.sleeps.length;
  const attempt = RepositoryLock.acquire(ctx, repository, { exclusive: false, retryMs: 100_000 });
  await expect(attempt).rejects.toMatchObject({ code: 'repository-locked' });
  const pauses = clock.sleeps.slice(before);
  expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(100_000);
  expect(pauses.slice(0, -1).every((ms, at) => ms > 0.7 * 5_000 * 2 ** at && ms <= 5_000 * 2 ** at)).toBe(true);

  const sleep = clock.sleep.bind(clock);
  vi.spyOn(clock, 'sleep').mockImplementation(async (...sleep_) => {
    await held[Symbol.asyncDispose]();
    return sleep(...sleep_);
  });
  await using _ = await RepositoryLock.acquire(ctx, repository, { exclusive: true, retryMs: 100_000 });
});

test('a lock is written anew every five minutes, and confirms', async () => {
  const { ctx, repository, inner, pass } = await setUp();
  await using lock = await RepositoryLock.acquire(ctx, repository, { exclusive: true });
  const [first] = await objectNames(inner, 'locks/');
  await pass(4 * minuteMs);
  expect(await objectNames(inner, 'locks/')).toEqual([first]);
  await pass(60 * minuteMs);
  const [held, ...others] = await listLocks(ctx, repository);
  expect(others).toEqual([]);
  expect(held?.id).not.toBe(first?.slice('locks/'.length));
  expect(held?.lock?.time.getTime()).toBeGreaterThan(ctx.clock.now().getTime() - 6 * minuteMs);
  await lock.confirm();
  expect(lock.signal.aborted).toBe(false);
});

test('a lock that somebody removed is noticed at the next refresh, and at once by confirm', async () => {
  const { ctx, repository, open, inner, pass } = await setUp();
  const other = await open();
  const work = withLock(ctx, repository, {
    exclusive: false,
    run: async (locked) => {
      expect((await removeLocks(ctx, other, 'all')).map(({ lock }) => lock?.pid)).toEqual([process.pid]);
      await pass(6 * minuteMs);
      locked.signal.throwIfAborted();
    },
  });
  await expect(work).rejects.toMatchObject({ code: 'lock-lost', hint: expect.stringContaining('unlock') });
  await using lock = await RepositoryLock.acquire(ctx, repository, { exclusive: false });
  await removeLocks(ctx, other, 'all');
  await expect(lock.confirm()).rejects.toMatchObject({ code: 'lock-lost' });
  expect(lock.signal.aborted).toBe(true);
  expect(await objectNames(inner, 'locks/')).toEqual([]);
});

test('a refresh that fails for a while is made up for; one that fails for 22.5 minutes ends the work', async () => {
  const { ctx, repository, backend, inner, pass, warnings } = await setUp();
  const outage = vi.spyOn(backend, 'stat').mockRejectedValue(await failure());
  await using lock = await RepositoryLock.acquire(ctx, repository, { exclusive: true });
  await pass(20 * minuteMs);
  expect(lock.signal.aborted).toBe(false);
  expect(warnings).toContain('the repository lock could not be refreshed');
  outage.mockRestore();
  await pass(minuteMs);
  await lock.confirm();
  expect(await objectNames(inner, 'locks/')).toHaveLength(1);
  vi.spyOn(backend, 'stat').mockRejectedValue(await failure());
  await pass(23 * minuteMs);
  expect(lock.signal.reason).toMatchObject({ code: 'lock-lost' });
});

async function failure(): Promise<unknown> {
  const backend = new FaultBackend(openMemoryBackend(), {
    errors: [{ kind: 'stat', nth: 1, code: 'backend-unavailable' }],
  });
  return backend.stat(createContext(), 'config').catch((error: unknown) => error);
}

test('a refresh whose clean-up fails leaves nothing behind at the end', async () => {
  const { ctx, repository, backend, inner, pass } = await setUp({
    errors: [{ kind: 'delete', nth: 1, code: 'backend-unavailable' }],
  });
  const lock = await RepositoryLock.acquire(ctx, repository, { exclusive: true });
  await pass(5 * minuteMs);
  expect(await objectNames(inner, 'locks/')).toHaveLength(2);
  await lock.confirm();
  await lock[Symbol.asyncDispose]();
  expect(await objectNames(inner, 'locks/')).toEqual([]);
  expect(backend.unusedFaults()).toEqual([]);
});

test('a lock that cannot be removed at the end spoils no work', async () => {
  const { ctx, repository, warnings, inner } = await setUp({
    errors: [{ kind: 'delete', nth: 1, code: 'backend-unavailable' }],
  });
  expect(await withLock(ctx, repository, { exclusive: true, run: async () => 'done' })).toBe('done');
  expect(warnings).toEqual(['the repository lock could not be removed; it will go stale']);
  expect(await objectNames(inner, 'locks/')).toHaveLength(1);
});

test('after a sleep of the machine the lock is refreshed if it is still there, else lost', async () => {
  const { ctx, clock, repository, open, inner } = await setUp();
  await using survivor = await RepositoryLock.acquire(ctx, repository, { exclusive: false });
  clock.suspend(120 * minuteMs);
  await vi.advanceTimersByTimeAsync(15_000);
  expect((await listLocks(ctx, repository)).map(({ stale }) => stale)).toEqual([false]);
  await survivor.confirm();
  clock.suspend(120 * minuteMs);
  await using _ = await RepositoryLock.acquire(ctx, await open(), { exclusive: true });
  await expect(survivor.confirm()).rejects.toMatchObject({ code: 'lock-lost' });
  expect(await objectNames(inner, 'locks/')).toHaveLength(1);
});

test('a lock of ours whose process is gone, or that is old, is in nobody’s way', async () => {
  const { ctx, clock, repository, inner, warnings } = await setUp();
  const { holder } = createLockDocument(new Date(), true);
  if (holder === undefined) throw new Error('these tests need /proc');
  await putLock(repository, { holder: { ...holder, started: '1' } });
  await putLock(repository, { holder, pid: 2 ** 22 + 1 });
  await withLock(ctx, repository, { exclusive: true, run: async () => undefined });
  expect(warnings).toHaveLength(2);
  await putLock(repository, { holder: { place: 'another machine', started: '1' } });
  const attempt = (): Promise<void> => withLock(ctx, repository, { exclusive: true, run: async () => undefined });
  await expect(attempt()).rejects.toMatchObject({ code: 'repository-locked' });
  clock.advance(31 * minuteMs);
  await attempt();
  expect(await objectNames(inner, 'locks/')).toEqual([]);
});

test('a stale lock of stock restic is left for unlock', async () => {
  const { ctx, clock, repository } = await setUp();
  const gone = await putStockLock(repository, { pid: 2 ** 22 + 1 });
  const attempt = RepositoryLock.acquire(ctx, repository, { exclusive: true });
  await expect(attempt).rejects.toMatchObject({
    code: 'repository-locked',
    hint: expect.stringContaining('understudy unlock'),
  });
  const foreign = await putStockLock(repository, { hostname: `not-${hostname()}` });
  expect((await removeLocks(ctx, repository, 'stale')).map(({ id }) => id)).toEqual([gone]);
  clock.advance(31 * minuteMs);
  expect((await removeLocks(ctx, repository, 'stale')).map(({ id }) => id)).toEqual([foreign]);
});

test('an unreadable lock is given time, then blocks; only --remove-all removes it', async () => {
  const { ctx, clock, repository, inner } = await setUp();
  const name = `locks/${'ab'.repeat(32)}`;
  await inner.put(ctx, name, Buffer.from('not a lock'));
  const before = clock.monotonicMs();
  const attempt = RepositoryLock.acquire(ctx, repository, { exclusive: false });
  await expect(attempt).rejects.toMatchObject({
    code: 'repository-locked',
    hint: expect.stringContaining('--remove-all'),
  });
  expect(clock.monotonicMs() - before).toBe(7_500);
  expect(await removeLocks(ctx, repository, 'stale')).toEqual([]);
  expect((await removeLocks(ctx, repository, 'all')).map(({ lock }) => lock)).toEqual([undefined]);
  for (const json of ['{}', 'nonsense', '{"time":"yesterday"}']) {
    await repository.saveDocument(ctx, 'locks', Buffer.from(json));
  }
  await expect(RepositoryLock.acquire(ctx, repository, { exclusive: false })).rejects.toMatchObject({
    code: 'repository-locked',
  });
});

test('an empty lock is ignored, and unlock removes it', async () => {
  const { ctx, repository, inner } = await setUp();
  await inner.put(ctx, `locks/${'ab'.repeat(32)}`, Buffer.alloc(0));
  await withLock(ctx, repository, { exclusive: true, run: async () => undefined });
  expect((await removeLocks(ctx, repository, 'stale')).map(({ empty }) => empty)).toEqual([true]);
  expect(await objectNames(inner, 'locks/')).toEqual([]);
});

test('what the index said before the lock was taken is not relied on', async () => {
  const { ctx, repository } = await setUp();
  const before = await repository.index(ctx);
  await using _ = await RepositoryLock.acquire(ctx, repository, { exclusive: false });
  expect(await repository.index(ctx)).not.toBe(before);
});

test('no snapshot is saved once the lock is lost: a prune may have removed what it needs', async () => {
  const { ctx, repository, open, inner } = await setUp();
  const files = { a: Buffer.from('some content') };
  const other = await open();
  const whenBegun = (): Promise<unknown> => removeLocks(ctx, other, 'all');
  await expect(backUp(ctx, repository, { files, whenBegun })).rejects.toMatchObject({ code: 'lock-lost' });
  expect(await objectNames(inner, 'snapshots/')).toEqual([]);
  await backUp(ctx, repository, { files });
  expect(await objectNames(inner, 'snapshots/')).toHaveLength(1);
});

test('no index is saved once the lock is lost: the next backup would take what a prune has removed for stored', async () => {
  const { ctx, repository, open, inner } = await setUp();
  const files = { a: Buffer.from('some content') };
  const other = await open();
  await using lock = await RepositoryLock.acquire(ctx, repository, { exclusive: false });
  await using upload = await Upload.begin({ ...ctx, signal: lock.signal }, repository, { expectedChunks: 10 });
  await upload.saveBlob('data', files.a);
  await removeLocks(ctx, other, 'all');
  await expect(upload.commit()).rejects.toMatchObject({ code: 'lock-lost' });
  expect(await objectNames(inner, 'index/')).toEqual([]);
  for (const pack of await objectNames(inner, 'data/')) await inner.delete(ctx, pack); // as a prune does
  await backUp(ctx, other, { files });
  const report = await checkRepository(ctx, await open(), { references: snapshotReferences, data: { kind: 'all' } });
  expect(report).toMatchObject({ errors: [], hints: [] });
});

test('nobody dies of SIGHUP while a lock is held', async () => {
  const { ctx, repository, open } = await setUp();
  const before = process.listenerCount('SIGHUP');
  const first = await RepositoryLock.acquire(ctx, repository, { exclusive: false });
  const second = await RepositoryLock.acquire(ctx, await open(), { exclusive: false });
  await first[Symbol.asyncDispose]();
  expect(process.listenerCount('SIGHUP')).toBe(before + 1);
  await second[Symbol.asyncDispose]();
  expect(process.listenerCount('SIGHUP')).toBe(before);
});
