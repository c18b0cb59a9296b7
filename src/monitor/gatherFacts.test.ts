import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { saveHoldEvent } from '../retention/holdStore.ts';
import type { RetentionPolicy } from '../snapshot/retentionPolicy.ts';
import { newRepository, reopen } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUp } from '../testing/testSnapshots.ts';
import { saveProof } from '../verify/proofStore.ts';
import { proofOf } from './fixture/proofs.ts';
import { gatherFacts, type GatherOptions } from './gatherFacts.ts';
import { judge } from './judge.ts';

const dayMs = 86_400_000;
const nothing: GatherOptions = {
  sources: undefined,
  policyOf: () => undefined,
  askServer: () => Promise.resolve(undefined),
};

async function bench() {
  const clock = new SimulatedClock();
  const ctx = createContext({ clock });
  const repository = await newRepository({ ctx });
  /** A day later another one may follow. */
  const backup = async (source: string, record: Readonly<Record<string, unknown>> = {}): Promise<string> => {
    const full = { format: 1, kind: 'files', source, sizeBytes: 100, ...record };
    const json = Buffer.from(JSON.stringify(full));
    const tags = ['understudy', `kind:${full.kind}`, `source:${source}`];
    const { id } = await backUp(ctx, repository, { files: { 'understudy.json': json }, tags });
    clock.advance(dayMs);
    return id;
  };
  const gather = async (options: Partial<GatherOptions> = {}, from: Repository = repository) =>
    gatherFacts(ctx, from, { ...nothing, ...options });
  return { ctx, clock, repository, backup, gather };
}

test('an empty repository has no source, and a size', async () => {
  const { gather } = await bench();
  const facts = await gather();
  expect(facts).toMatchObject({ sources: [], foreignSnapshots: 0, unreadableSnapshots: 0 });
  expect(facts.storage?.totalBytes).toBeGreaterThan(100);
  expect(facts.storage?.written).toBeUndefined(); // memory does not tell when
});

test('sources, their backups and what is wrong with them; other programs are only counted', async () => {
  const { ctx, repository, backup, gather } = await bench();
  const [first, bad] = [await backup('app', { sizeBytes: 50 }), await backup('app', { outcome: 'incomplete' })];
  const unproved = await backup('app');
  await backup('config');
  await backUp(ctx, repository, { files: { 'a.txt': Buffer.from('a') } });
  await backup('mail', { kind: 'of a later version' });
  await saveProof(ctx, repository, proofOf({ id: unproved, verdict: 'failed', at: ctx.clock.now() }));
  const held = { format: 1, event: 'held', source: 'app', snapshot: first, reason: 'it shrank' } as const;
  await saveHoldEvent(ctx, repository, { ...held, time: ctx.clock.now().toISOString() });

  const facts = await gather();
  expect(facts.foreignSnapshots).toBe(2);
  expect(facts.sources.map(({ source, backupCount }) => [source, backupCount])).toEqual([
    ['app', 3],
    ['config', 1],
  ]);
  const [app] = facts.sources;
  expect(app).toMatchObject({ kind: 'files', held: 'it shrank', lastProof: { verdict: 'failed', snapshot: unproved } });
  expect(app?.firstBackup.toISOString()).toMatch(/^2026-11-22T10:00/);
  expect(app?.backups.map(({ id, sizeBytes, flaw }) => [id, sizeBytes, flaw?.reason])).toEqual([
    [unproved, 100, 'its last proof failed'],
    [bad, 100, 'it is incomplete'],
    [first, 50, undefined],
  ]);
  const only = await gather({ sources: new Set(['config']) });
  expect(only.sources.map(({ source }) => source)).toEqual(['config']);
});

test('slots are counted by the policy of the source; the day that is not over is not missing', async () => {
  const { clock, backup, gather } = await bench();
  await backup('app');
  clock.advance(2 * dayMs); // two days without one
  await backup('app');
  const policyOf = (): RetentionPolicy => ({ daily: 7, last: 2 });
  const [app] = (await gather({ policyOf })).sources;
  expect(app?.slots).toEqual([
    { rule: 'last', unit: 'last', filled: 2, wanted: 2, missing: [], lastIsMissing: false },
    { rule: 'daily', unit: 'day', filled: 2, wanted: 7, missing: ['2026-11-24', '2026-11-23'], lastIsMissing: false },
  ]);
});

test('a snapshot whose clock was ahead is told, and nothing is called unreadable', async () => {
  const { ctx, clock, backup, gather } = await bench();
  await backup('app');
  clock.suspend(-3 * dayMs);
  const facts = await gather();
  const findings = judge(facts, { objectives: undefined, sources: undefined }, ctx.clock.now());
  expect(findings.find(({ rule }) => rule === 'clock')).toMatchObject({ severity: 'warning' });
  expect(findings.find(({ rule }) => rule === 'backup')).toMatchObject({ severity: 'critical' });
});

test('a record that this version cannot read makes a backup bad, and keeps nothing else from being judged', async () => {
  const { backup, gather } = await bench();
  await backup('app');
  await backup('database', { kind: 'postgres', sizeBytes: 100, timeline: 'none' });
  const facts = await gather();
  expect(facts.sources.map(({ source, backups }) => [source, backups[0]?.flaw?.reason.slice(0, 26)])).toEqual([
    ['app', undefined],
    ['database', 'its record cannot be read:'],
  ]);
});

test('what is not where the index said is looked for once more', async () => {
  const { ctx, repository, backup, gather } = await bench();
  const stale = await reopen(repository, ctx);
  await stale.index(ctx);
  await backup('app');
  const facts = await gather({}, stale);
  expect(facts.sources[0]?.backups[0]).toMatchObject({ flaw: undefined, sizeBytes: 100 });
});

test('however many backups there are, only the newest are read', async () => {
  const { ctx, repository, backup, gather } = await bench();
  await backup('app');
  const [only] = (await gather()).sources;
  const [template] = only?.backups ?? [];
  const document = await repository.loadDocument(ctx, 'snapshots', template?.id ?? '');
  for (let hour = 1; hour <= 300; hour++) {
    const time = new Date(ctx.clock.now().getTime() - hour * 3_600_000).toISOString();
    const json = { ...(JSON.parse(document.toString('utf8')) as Record<string, unknown>), time };
    await repository.saveDocument(ctx, 'snapshots', Buffer.from(JSON.stringify(json)));
  }
  let reads = 0;
  const counting = await reopen(repository, ctx);
  const get = counting.backend.get.bind(counting.backend);
  counting.backend.get = (...words) => {
    if (words[1].startsWith('data/')) reads++;
    return get(...words);
  };
  const [app] = (await gather({}, counting)).sources;
  expect(app?.backupCount).toBe(301);
  const days = new Set(app?.backups.map(({ time }) => time.toDateString()));
  expect(days.size).toBeGreaterThan(7); // a hundred hours are four
  expect(app?.backups.length).toBeLessThan(110);
  expect(reads).toBeLessThan(330); // two trees and a record each
  expect((await gather({ newest: 200 }, counting)).sources[0]?.backups).toHaveLength(200);

  reads = 0;
  const lists: string[] = [];
  const list = counting.backend.list.bind(counting.backend);
  counting.backend.list = (...words) => {
    lists.push(words[1]);
    return list(...words);
  };
  const brief = await gather({ brief: true }, counting);
  expect(brief).toMatchObject({ storage: undefined, sources: [{ backupCount: 301 }] });
  expect(brief.sources[0]?.backups).toHaveLength(20);
  expect(reads).toBeLessThan(70);
  expect(lists).not.toContain(''); // everything, which may be a hundred thousand WAL segments
});
