import { expect, onTestFinished, test, vi } from 'vitest';
import { FaultBackend } from '../backend/fault.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { newRepository, objectNames } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { withLock } from './lock.ts';
import { serializeLock } from './lockDocument.ts';
import { withReadLock } from './readLock.ts';
import type { Repository } from './repository.ts';

const { clock } = createContext();
/** A lock that cannot be read may only be half written: that is waited for. */
const ctx = createContext({ clock: { ...clock, sleep: async () => undefined } });

/** Codes of what the reader is told, and what it read. */
async function read(repository: Repository): Promise<readonly [string | undefined, readonly unknown[]]> {
  const told: unknown[] = [];
  const onUnlocked = (error: unknown): void => void told.push(isOperationError(error) && error.code);
  return [await withReadLock(ctx, repository, { onUnlocked, run: async () => 'read' }), told];
}

test('a reader holds a lock, and respects that of others', async () => {
  const repository = await newRepository();
  const locks = (): Promise<string[]> => objectNames(repository.backend, 'locks/');
  expect(await withReadLock(ctx, repository, { run: locks })).toHaveLength(1);
  expect(await locks()).toEqual([]);
  const run = (locked: typeof ctx) => withReadLock(locked, repository, { run: async () => 'read' });
  await expect(withLock(ctx, repository, { exclusive: true, run })).rejects.toMatchObject({
    code: 'repository-locked',
  });
});

test.each(['backend-denied', 'backend-full'] as const)('a lock that meets %s is done without', async (code) => {
  const backend = new FaultBackend(openMemoryBackend(), { errors: [{ kind: 'put', nth: 3, code }] });
  expect(await read(await newRepository({ backend }))).toEqual(['read', [code]]);
});

test('a lock that meets a failing disk is an error', async () => {
  const backend = new FaultBackend(openMemoryBackend(), { errors: [{ kind: 'put', nth: 3, code: 'backend-io' }] });
  await expect(read(await newRepository({ backend }))).rejects.toMatchObject({ code: 'backend-io' });
});

test.each([
  ['that nobody refreshed for long', () => foreignLock(new Date(Date.now() - 3_600_000))],
  ['that nobody can read', () => Buffer.from('{"exclusive":true}')],
])('an exclusive lock %s keeps nobody from reading what can no longer be unlocked', async (_, document) => {
  const repository = await newRepository();
  await repository.saveDocument(ctx, 'locks', document());
  expect(await read(repository)).toEqual(['read', ['repository-locked']]);
});

test('the exclusive lock of somebody at work does', async () => {
  const repository = await newRepository();
  await repository.saveDocument(ctx, 'locks', foreignLock(new Date()));
  await expect(read(repository)).rejects.toMatchObject({ code: 'repository-locked' });
});

test('a reader whose lock cannot be refreshed reads on, and is told', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const simulated = new SimulatedClock();
  const told: unknown[] = [];
  const repository = await newRepository();
  const reading = withReadLock(createContext({ clock: simulated }), repository, {
    onUnlocked: (error) => told.push(isOperationError(error) && error.code),
    run: async (locked) => {
      for (const name of await objectNames(repository.backend, 'locks/')) await repository.backend.delete(ctx, name);
      simulated.advance(3_600_000);
      await vi.advanceTimersByTimeAsync(15_000);
      return locked.signal.aborted;
    },
  });
  expect(await reading).toBe(false);
  expect(told).toEqual(['lock-lost']);
});

/** As stock restic on another machine writes it. */
function foreignLock(time: Date): Buffer {
  return serializeLock({ time, exclusive: true, hostname: 'elsewhere', username: 'root', pid: 1 });
}
