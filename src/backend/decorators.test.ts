import { describe, expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { silentLog, type Log, type LogFields } from '../base/log.ts';
import type { RetryPolicy } from '../base/retry.ts';
import { tempDir } from '../testing/tempDir.ts';
import { listed } from './contractSuite.ts';
import { FaultBackend, type PlannedError } from './fault.ts';
import { withConcurrencyLimit } from './limitConcurrency.ts';
import { openLocalBackend } from './local.ts';
import { withLogging } from './logging.ts';
import { openMemoryBackend } from './memory.ts';
import { withRetry } from './retry.ts';

const ctx = createContext();
const policy: RetryPolicy = { firstDelayMs: 1, maxDelayMs: 1, totalMs: 1000 };
const mine = Buffer.from('mine');

function failing(...errors: readonly PlannedError[]): FaultBackend {
  return new FaultBackend(openMemoryBackend(), { errors });
}

function recordingLog(level: 'debug' | 'warn'): { readonly log: Log; readonly lines: LogFields[] } {
  const lines: LogFields[] = [];
  return { lines, log: { ...silentLog, [level]: (fields: LogFields) => void lines.push(fields) } };
}

describe('retry', () => {
  test('a transient failure of each operation is tried again and told in the log', async () => {
    const kinds = ['put', 'get', 'stat', 'list', 'delete'] as const;
    const inner = failing(...kinds.map((kind) => ({ kind, nth: 1, code: 'backend-unavailable' as const })));
    const backend = withRetry(inner, policy);
    const { log, lines } = recordingLog('warn');
    const logged = createContext({ log });
    await backend.put(logged, 'keys/a', mine);
    expect((await backend.get(logged, 'keys/a')).equals(mine)).toBe(true);
    expect(await backend.stat(logged, 'keys/a')).toEqual({ name: 'keys/a', sizeBytes: 4 });
    expect(await readAll(backend.list(logged, 'keys/'))).toEqual(['keys/a']);
    await backend.delete(logged, 'keys/a');
    expect(inner.unusedFaults()).toEqual([]);
    expect(lines.map(({ operation }) => operation)).toEqual(kinds);
  });

  test('a final failure is not tried again', async () => {
    const inner = failing({ kind: 'put', nth: 1, code: 'backend-full' });
    const full = withRetry(inner, policy).put(ctx, 'keys/a', mine);
    await expect(full).rejects.toMatchObject({ code: 'backend-full' });
    expect(inner.operations).toHaveLength(1);
  });

  test('a put with ifAbsent that landed without its answer has won', async () => {
    const inner = failing({ kind: 'put', nth: 1, code: 'backend-unavailable', landed: true });
    await withRetry(inner, policy).put(ctx, 'locks/a', [Buffer.from('mi'), Buffer.from('ne')], { ifAbsent: true });
    expect(inner.operations.map(({ kind }) => kind)).toEqual(['put', 'put', 'get']);
  });

  test('a put with ifAbsent that was overtaken while it failed has lost', async () => {
    const inner = failing({ kind: 'put', nth: 2, code: 'backend-unavailable' });
    await inner.put(ctx, 'locks/a', Buffer.from('theirs'));
    const overtaken = withRetry(inner, policy).put(ctx, 'locks/a', mine, { ifAbsent: true });
    await expect(overtaken).rejects.toMatchObject({ code: 'object-exists' });
    expect((await inner.get(ctx, 'locks/a')).toString()).toBe('theirs');
  });

  test('a put with ifAbsent that finds identical bytes at its first try has lost too', async () => {
    const backend = withRetry(openMemoryBackend(), policy);
    await backend.put(ctx, 'locks/a', mine);
    const late = backend.put(ctx, 'locks/a', mine, { ifAbsent: true });
    await expect(late).rejects.toMatchObject({ code: 'object-exists' });
  });

  test('a listing that breaks off again and again is told once, as long as it makes progress', async () => {
    const inner = openMemoryBackend();
    const names = ['keys/a', 'keys/b', 'keys/c', 'keys/d'];
    for (const name of names) await inner.put(ctx, name, mine);
    let listings = 0;
    const breaking = Object.assign(Object.create(inner), {
      async *list() {
        const fault = failing({ kind: 'get', nth: 1, code: 'backend-unavailable' });
        for (const name of names.slice(0, ++listings)) yield { name, sizeBytes: 4 };
        if (listings < names.length) await fault.get(ctx, 'keys/a');
      },
    });
    const noTime = { ...policy, totalMs: 1 };
    expect(await readAll(withRetry(breaking, noTime).list(ctx, 'keys/'))).toEqual(names);
  });
});

describe('concurrency limit', () => {
  test('operations beyond the limit wait', async () => {
    let active = 0;
    let most = 0;
    const inner = Object.assign(openMemoryBackend(), {
      async put() {
        most = Math.max(most, ++active);
        await new Promise(setImmediate);
        active--;
      },
    });
    const backend = withConcurrencyLimit(inner, 2);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => backend.put(ctx, name, mine)));
    expect(most).toBe(2);
  });
});

describe('logging', () => {
  test('each operation leaves one line with what it did', async () => {
    const { log, lines } = recordingLog('debug');
    const logged = createContext({ log });
    const backend = withLogging(openMemoryBackend());
    await backend.put(logged, 'keys/a', [mine, mine]);
    await backend.get(logged, 'keys/a', { offset: 0, length: 3 });
    await backend.stat(logged, 'keys/b');
    await readAll(backend.list(logged, 'keys/'));
    await backend.delete(logged, 'keys/a');
    await expect(backend.get(logged, 'keys/a')).rejects.toThrow();
    expect(lines).toMatchObject([
      { operation: 'put', name: 'keys/a', sizeBytes: 8 },
      { operation: 'get', name: 'keys/a', sizeBytes: 3 },
      { operation: 'stat', name: 'keys/b', present: false },
      { operation: 'list', name: 'keys/', objects: 1 },
      { operation: 'delete', name: 'keys/a' },
      { operation: 'get', name: 'keys/a', error: expect.stringContaining('no such object') },
    ]);
  });
});

describe('fault', () => {
  test('a crash does what came before, loses the mutation under way, and ends everything', async () => {
    const inner = openMemoryBackend();
    const backend = new FaultBackend(inner, { crash: { afterMutations: 2 } });
    await backend.put(ctx, 'keys/a', mine);
    await backend.put(ctx, 'keys/b', mine);
    await expect(backend.put(ctx, 'keys/c', mine)).rejects.toMatchObject({ name: 'Crash' });
    for (const late of [backend.get(ctx, 'keys/a'), backend.stat(ctx, 'keys/a'), backend.delete(ctx, 'keys/a')]) {
      await expect(late).rejects.toMatchObject({ name: 'Crash' });
    }
    expect(await listed(inner, '')).toEqual({ 'keys/a': 4, 'keys/b': 4 });
    expect(backend).toMatchObject({ mutations: 2, crashed: true });
    expect(backend.unusedFaults()).toEqual([]);
  });

  test('seeds decide whether the last mutation was done and which pack deletes are undone; a seed decides always alike', async () => {
    const outcomes = new Set<string>();
    for (const seed of [...Array(40).keys(), ...Array(40).keys()]) {
      const inner = openMemoryBackend();
      const backend = new FaultBackend(inner, { crash: { afterMutations: 4, seed } });
      await backend.put(ctx, 'data/00/p', mine);
      await backend.put(ctx, 'keys/k', mine);
      await backend.delete(ctx, 'data/00/p');
      await backend.delete(ctx, 'keys/k');
      await expect(backend.put(ctx, 'config', mine)).rejects.toMatchObject({ name: 'Crash' });
      outcomes.add(
        Object.keys(await listed(inner, ''))
          .sort()
          .join(' '),
      );
      if (seed === 39) expect([...outcomes].sort()).toEqual(['', 'config', 'config data/00/p', 'data/00/p']);
    }
    expect(outcomes.size).toBe(4);
  });

  test('planned errors come at their operation, with or without its effect; unused ones are told', async () => {
    const backend = failing(
      { kind: 'put', nth: 2, code: 'backend-io' },
      { kind: 'delete', nth: 1, code: 'backend-unavailable', landed: true },
      { kind: 'get', nth: 9, code: 'backend-denied' },
    );
    await backend.put(ctx, 'keys/a', mine);
    await expect(backend.put(ctx, 'keys/b', mine)).rejects.toMatchObject({ code: 'backend-io' });
    await expect(backend.delete(ctx, 'keys/a')).rejects.toMatchObject({ code: 'backend-unavailable' });
    expect(await listed(backend, '')).toEqual({});
    expect(backend.unusedFaults()).toEqual(['backend-denied at get 9']);
  });
});

test('workers may go around retry, limit and log to a local directory, but not around planned faults', async () => {
  await using directory = await tempDir();
  const local = openLocalBackend(directory.path);
  expect(withLogging(withRetry(withConcurrencyLimit(local, 1), policy)).localDirectory).toBe(directory.path);
  expect(new FaultBackend(local).localDirectory).toBeUndefined();
});

async function readAll(objects: AsyncIterable<{ readonly name: string }>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of objects) names.push(name);
  return names;
}
