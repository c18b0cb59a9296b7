import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { snapshotFixture } from './fixture/snapshotFixture.ts';
import { selectParent } from './parentSnapshot.ts';
import { serializeSnapshotDocument } from './snapshotDocument.ts';
import { hasTags, matchesFilter, parseTagList } from './snapshotFilter.ts';
import { groupSnapshots, parseGroupBy } from './snapshotGroups.ts';
import { findSnapshot, parseSnapshotPath } from './snapshotSelector.ts';
import { loadSnapshots, saveSnapshot, type Snapshot, type SnapshotSource } from './snapshots.ts';

const ctx = createContext();

function sourceOf(snapshots: readonly Snapshot[], replaced: Readonly<Record<string, Buffer>> = {}): SnapshotSource {
  return {
    listIds: async () => snapshots.map(({ id }) => id).toSorted(),
    load: async (_ctx, id) => {
      const { id: _, ...document } = snapshots.find((each) => each.id === id) ?? snapshotFixture();
      return replaced[id] ?? serializeSnapshotDocument(document);
    },
  };
}

function withId(digits: string, parts: Parameters<typeof snapshotFixture>[0] = {}): Snapshot {
  return snapshotFixture({ ...parts, id: digits.padEnd(64, '0') });
}

const old = withId('a1', { time: '2026-11-20T10:00:00Z', hostname: 'db2' });
const middle = withId('a2', { time: '2026-11-21T12:00:00+05:00', tags: ['pg', 'keep'] });
const newest = withId('b1', { time: '2026-11-21T10:00:00Z', paths: ['/data', '/etc'] });
const all = [old, middle, newest];

test('all are loaded, newest first by the moment', async () => {
  expect(await loadSnapshots(ctx, sourceOf(all))).toEqual([newest, middle, old]);
});

test('many are loaded a few at a time', async () => {
  const many = Array.from({ length: 60 }, (_, index) => withId(String(index).padStart(4, '0')));
  const source = sourceOf(many);
  let loading = 0;
  let most = 0;
  const load: SnapshotSource['load'] = async (context, id) => {
    most = Math.max(most, ++loading);
    await new Promise(setImmediate);
    loading--;
    return source.load(context, id);
  };
  expect(await loadSnapshots(ctx, { ...source, load })).toHaveLength(60);
  expect(most).toBe(8);
});

test('a damaged one is thrown, or reported; a vanished one is left out', async () => {
  const damaged = sourceOf(all, { [middle.id]: Buffer.from('{}') });
  await expect(loadSnapshots(ctx, damaged)).rejects.toThrow('snapshot a2000000 is damaged');
  const reported: string[] = [];
  const readable = await loadSnapshots(ctx, damaged, { onUnreadable: (id) => reported.push(id) });
  expect([readable, reported]).toEqual([[newest, old], [middle.id]]);
  const vanishing: SnapshotSource['load'] = async (context, id) => {
    if (id === old.id) throw new OperationError('object-missing', 'gone');
    return sourceOf(all).load(context, id);
  };
  expect(await loadSnapshots(ctx, { ...sourceOf(all), load: vanishing })).toEqual([newest, middle]);
});

test('a saved one has the id it was stored under', async () => {
  const { id: _, ...document } = old;
  let stored = '';
  const save = async (_ctx: unknown, json: Buffer): Promise<string> => {
    stored = json.toString();
    return 'e'.repeat(64);
  };
  expect(await saveSnapshot(ctx, save, document)).toEqual({ ...document, id: 'e'.repeat(64) });
  expect(stored).toContain('"hostname":"db2"');
});

test.each([
  ['latest', {}, newest],
  ['latest~1', {}, middle],
  ['latest~2', {}, old],
  ['latest', { hosts: ['db2'] }, old],
  ['latest', { tags: [['pg', 'keep'], ['other']] }, middle],
  ['b', {}, newest],
  ['A2', { hosts: ['nobody'] }, middle],
  [old.id, {}, old],
] as const)('%s with %j', async (text, filter, expected) => {
  expect(await findSnapshot(ctx, sourceOf(all), { text, filter })).toEqual(expected);
});

test.each([
  ['a', 'ambiguous-id'],
  ['c', 'not-found'],
  ['', 'not-found'],
  ['newest', 'not-found'],
  ['latest~3', 'not-found'],
])('%j: %s', async (text, code) => {
  await expect(findSnapshot(ctx, sourceOf(all), { text })).rejects.toThrow(expect.objectContaining({ code }));
});

test('a snapshot and a path in it', () => {
  expect(parseSnapshotPath('latest')).toEqual({ snapshot: 'latest', path: '' });
  expect(parseSnapshotPath('ab12:/srv/a:b')).toEqual({ snapshot: 'ab12', path: '/srv/a:b' });
});

test('filters: hosts any, tag lists any of all, paths all', () => {
  expect(parseTagList('a, b')).toEqual(['a', 'b']);
  expect(hasTags(middle, ['pg'])).toBe(true);
  expect(hasTags(middle, ['pg', 'x'])).toBe(false);
  expect(hasTags(old, parseTagList(''))).toBe(true);
  expect(hasTags(middle, parseTagList(''))).toBe(false);
  expect(matchesFilter(newest, { paths: ['/etc'] })).toBe(true);
  expect(matchesFilter(newest, { paths: ['/etc', '/x'] })).toBe(false);
  expect(matchesFilter(newest, { hosts: ['db2', 'db1'], tags: [], paths: [] })).toBe(true);
});

test('groups: lists compare as sets', () => {
  const swapped = withId('c1', { paths: ['/etc', '/data'] });
  const groups = groupSnapshots([...all, swapped], parseGroupBy('host,paths'));
  expect(groups.map(({ key, snapshots }) => [key, snapshots.map(({ id }) => id.slice(0, 2))])).toEqual([
    [{ hostname: 'db2', paths: ['/data'] }, ['a1']],
    [{ hostname: 'db1', paths: ['/data'] }, ['a2']],
    [{ hostname: 'db1', paths: ['/data', '/etc'] }, ['b1', 'c1']],
  ]);
  expect(groupSnapshots(all, parseGroupBy('')).map(({ snapshots }) => snapshots)).toEqual([all]);
  expect(groupSnapshots(all, parseGroupBy('tag'))).toHaveLength(2);
  expect(() => parseGroupBy('host,user')).toThrow('cannot group snapshots by "user"');
});

test('the parent is the newest of the same group that is not younger', () => {
  const next = withId('d1', { time: '2026-11-21T09:00:00Z' });
  expect(selectParent(all, next)).toBe(middle);
  expect(selectParent(all, { ...next, tags: ['x'] }, ['host', 'paths', 'tags'])).toBeUndefined();
  expect(selectParent(all, { ...next, paths: ['/etc', '/data'] })).toBeUndefined();
  expect(selectParent(all, { ...newest, paths: ['/etc', '/data'] })).toBe(newest);
});
