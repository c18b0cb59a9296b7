import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createContext, type Context } from '../base/context.ts';
import { InvariantError } from '../base/errors.ts';
import type { Backend } from './backend.ts';

const ctx = createContext();
const bytes = (text: string): Buffer => Buffer.from(text);

/** A name that begins like a pack's. */
const packName = `data/ab/${'ab'.repeat(32)}`;

/** All objects below a prefix, by name. */
export async function listed(backend: Backend, prefix: string): Promise<Record<string, number>> {
  const objects = new Map<string, number>();
  for await (const { name, sizeBytes } of backend.list(ctx, prefix)) {
    expect(objects.has(name), `${name} is listed once`).toBe(false);
    objects.set(name, sizeBytes);
  }
  return Object.fromEntries(objects);
}

async function drain(objects: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of objects);
}

/**
 * Puts the contract of `Backend` to the test. `open` gives an empty backend; what it holds on to, its own disposer
 * frees.
 */
export function testBackendContract(title: string, open: () => Promise<Backend & Partial<AsyncDisposable>>): void {
  describe(`backend contract: ${title}`, () => {
    let backend: Backend & Partial<AsyncDisposable>;
    beforeEach(async () => {
      backend = await open();
    });
    afterEach(async () => {
      await backend.close();
      await backend[Symbol.asyncDispose]?.();
    });
    testReadingAndWriting(() => backend);
    testRanges(() => backend);
    describe('listing', () => testListing(() => backend));
    testRefusals(() => backend);
    testAgainstModel(() => backend);
  });
}

function testReadingAndWriting(backend: () => Backend): void {
  test('an object comes back whole, from one part, several, or none', async () => {
    const large = Buffer.alloc(3 * 1024 * 1024 + 17, 'understudy');
    await backend().put(ctx, packName, large);
    await backend().put(ctx, 'wal/7/1/segment', [bytes('in '), bytes(''), bytes('parts')]);
    await backend().put(ctx, 'keys/empty', []);
    expect((await backend().get(ctx, packName)).equals(large)).toBe(true);
    expect((await backend().get(ctx, 'wal/7/1/segment')).toString()).toBe('in parts');
    expect((await backend().get(ctx, 'keys/empty')).byteLength).toBe(0);
    expect(await backend().stat(ctx, packName)).toEqual({ name: packName, sizeBytes: large.byteLength });
  });

  test('buffers stay the caller’s', async () => {
    const given = bytes('given');
    await backend().put(ctx, 'config', given);
    given.fill(0);
    (await backend().get(ctx, 'config')).fill(0);
    expect((await backend().get(ctx, 'config')).toString()).toBe('given');
  });

  test('put replaces; ifAbsent refuses and changes nothing', async () => {
    await backend().put(ctx, 'config', bytes('first, longer'));
    await backend().put(ctx, 'config', bytes('second'));
    const late = backend().put(ctx, 'config', bytes('third'), { ifAbsent: true });
    await expect(late).rejects.toMatchObject({ code: 'object-exists' });
    expect((await backend().get(ctx, 'config')).toString()).toBe('second');
  });

  test('of simultaneous writers with ifAbsent one wins', async () => {
    const writers = Array.from({ length: 12 }, (_, writer) => `writer ${writer}`);
    const outcomes = await Promise.allSettled(
      writers.map((text) => backend().put(ctx, 'locks/one', bytes(text), { ifAbsent: true })),
    );
    const winners = writers.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    expect(winners).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set(['object-exists']));
    expect((await backend().get(ctx, 'locks/one')).toString()).toBe(winners[0]);
  });

  test('absence: get throws, stat is undefined, delete succeeds', async () => {
    await backend().put(ctx, 'snapshots/there', bytes('x'));
    for (const name of ['snapshots/not', 'wal/1/2/3', 'snapshots', 'snapshots/there/below']) {
      await expect(backend().get(ctx, name), name).rejects.toMatchObject({ code: 'object-missing' });
      expect(await backend().stat(ctx, name), name).toBeUndefined();
      await backend().delete(ctx, name);
    }
    await backend().delete(ctx, 'snapshots/there');
    expect(await backend().stat(ctx, 'snapshots/there')).toBeUndefined();
    await backend().put(ctx, 'snapshots/there', bytes('again'), { ifAbsent: true });
  });
}

function testRanges(backend: () => Backend): void {
  test('ranges count from the start, or from the end when negative', async () => {
    await backend().put(ctx, packName, bytes('0123456789'));
    const read = async (offset: number, length: number): Promise<string> =>
      (await backend().get(ctx, packName, { offset, length })).toString();
    expect(await read(0, 10)).toBe('0123456789');
    expect(await read(3, 4)).toBe('3456');
    expect(await read(-4, 4)).toBe('6789');
    expect(await read(-10, 2)).toBe('01');
    expect(await read(10, 0)).toBe('');
  });

  test('a range beyond the object is damage, of an absent object absence', async () => {
    await backend().put(ctx, packName, bytes('0123456789'));
    for (const range of [
      { offset: 8, length: 3 },
      { offset: 11, length: 0 },
      { offset: -11, length: 1 },
      { offset: -1, length: 2 },
    ]) {
      await expect(backend().get(ctx, packName, range)).rejects.toMatchObject({ code: 'repository-damaged' });
    }
    const absent = backend().get(ctx, 'keys/none', { offset: 0, length: 1 });
    await expect(absent).rejects.toMatchObject({ code: 'object-missing' });
  });
}

function testListing(backend: () => Backend): void {
  beforeEach(async () => {
    const names = [
      'config',
      'keys/k1',
      packName,
      'data/cd/pack',
      'wal/7/00000001/000000010000',
      'wal/7/00000002.history',
    ];
    for (const name of [...names, 'understudy/evidence/2026/11/drill']) await backend().put(ctx, name, bytes(name));
  });

  test('a prefix is the beginning of a name', async () => {
    const namesBelow = async (prefix: string): Promise<string[]> => Object.keys(await listed(backend(), prefix)).sort();
    expect(await namesBelow('data/')).toEqual([packName, 'data/cd/pack']);
    expect(await namesBelow('data/cd/')).toEqual(['data/cd/pack']);
    expect(await namesBelow('data/a')).toEqual([packName]);
    expect(await namesBelow('keys/')).toEqual(['keys/k1']);
    expect(await namesBelow('wal/7/0000000')).toEqual(['wal/7/00000001/000000010000', 'wal/7/00000002.history']);
    expect(await namesBelow('understudy/')).toEqual(['understudy/evidence/2026/11/drill']);
    expect(await namesBelow('config')).toEqual(['config']);
    expect(await namesBelow('')).toHaveLength(7);
    for (const absent of ['locks/', 'wal/8/', 'x', 'keys/k1/', 'config/y'])
      expect(await namesBelow(absent)).toEqual([]);
  });

  test('a listing tells sizes', async () => {
    expect(await listed(backend(), 'keys/')).toEqual({ 'keys/k1': 7 });
  });

  test('the reader of a listing may use the backend, delete what it is told, and stop early', async () => {
    const seen: string[] = [];
    for await (const { name } of backend().list(ctx, '')) {
      seen.push((await backend().get(ctx, name)).toString());
      await backend().delete(ctx, name);
      if (seen.length === 3) break;
    }
    expect(Object.keys(await listed(backend(), ''))).toHaveLength(4);
  });
}

function testRefusals(backend: () => Backend): void {
  test('after abort nothing is done, and the reason is what is thrown', async () => {
    await backend().put(ctx, 'config', bytes('kept'));
    const reason = new Error('stopped by the test');
    const aborted: Context = createContext({ signal: AbortSignal.abort(reason) });
    await expect(backend().put(aborted, 'config', bytes('new'))).rejects.toBe(reason);
    await expect(backend().put(aborted, 'keys/new', bytes('new'))).rejects.toBe(reason);
    await expect(backend().delete(aborted, 'config')).rejects.toBe(reason);
    await expect(backend().get(aborted, 'config')).rejects.toBe(reason);
    await expect(backend().stat(aborted, 'config')).rejects.toBe(reason);
    await expect(drain(backend().list(aborted, ''))).rejects.toBe(reason);
    expect(await listed(backend(), '')).toEqual({ config: 4 });
  });

  test('a listing stops at abort', async () => {
    for (const name of ['keys/a', 'keys/b', 'keys/c']) await backend().put(ctx, name, bytes('k'));
    const controller = new AbortController();
    const reason = new Error('stopped by the test');
    const objects = backend()
      .list(createContext({ signal: controller.signal }), 'keys/')
      [Symbol.asyncIterator]();
    await objects.next();
    controller.abort(reason);
    await expect(objects.next()).rejects.toBe(reason);
  });

  test('names that could leave the storage or hide in it are bugs', async () => {
    const long = 'n'.repeat(201);
    const bad = [
      '',
      '/etc/passwd',
      '../x',
      'a/../../x',
      'a//b',
      'a/',
      '.',
      '.hidden',
      'a\0b',
      'a\\b',
      'keys/a-tmp-b',
      long,
    ];
    for (const name of bad) {
      await expect(backend().put(ctx, name, bytes('x')), name).rejects.toThrow(InvariantError);
      await expect(backend().get(ctx, name), name).rejects.toThrow(InvariantError);
      await expect(backend().stat(ctx, name), name).rejects.toThrow(InvariantError);
      await expect(backend().delete(ctx, name), name).rejects.toThrow(InvariantError);
    }
    for (const prefix of ['/', '../', 'a//', 'a/../b', './']) {
      await expect(drain(backend().list(ctx, prefix)), prefix).rejects.toThrow(InvariantError);
    }
  });
}

interface Step {
  readonly act: 'put' | 'putIfAbsent' | 'delete';
  readonly name: string;
  readonly content: Uint8Array;
}

function testAgainstModel(backend: () => Backend): void {
  const step: fc.Arbitrary<Step> = fc.record({
    act: fc.constantFrom('put', 'putIfAbsent', 'delete'),
    name: fc.constantFrom('config', 'keys/a', 'keys/b', 'data/00/p', 'data/01/p', 'wal/7/1/s', 'wal/7/2/s', 'wal/7/h'),
    content: fc.uint8Array({ maxLength: 40 }),
  });

  test('any sequence of operations leaves what a map would hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        for (const name of Object.keys(await listed(backend(), ''))) await backend().delete(ctx, name);
        const model = new Map<string, Uint8Array>();
        for (const { act, name, content } of steps) {
          if (act === 'delete') {
            await backend().delete(ctx, name);
            model.delete(name);
          } else if (act === 'putIfAbsent' && model.has(name)) {
            const refused = backend().put(ctx, name, content, { ifAbsent: true });
            await expect(refused).rejects.toMatchObject({ code: 'object-exists' });
          } else {
            await backend().put(ctx, name, content, { ifAbsent: act === 'putIfAbsent' });
            model.set(name, content);
          }
        }
        const sizes = Object.fromEntries([...model].map(([name, content]) => [name, content.byteLength]));
        expect(await listed(backend(), '')).toEqual(sizes);
        for (const [name, content] of model) expect((await backend().get(ctx, name)).equals(content)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
}
