import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { ObjectSealer } from '../repository/sealedObject.ts';
import { newRepository } from '../testing/repositories.ts';
import { tempDir } from '../testing/tempDir.ts';
import { keyIdOf, readPublicKey, readSigningKey, writeSigningKey, type SigningKey } from './envelope.ts';
import { composeEvidence } from './evidence.ts';
import type { Evidence } from './evidenceSchema.ts';
import { amendEvidence, loadEvidence, saveEvidence, type StoredEvidence } from './evidenceStore.ts';
import { loadedRun } from './fixture/loadedRun.ts';
import { surroundings } from './fixture/surroundings.ts';
import { looseEnds, verifyChain } from './verifyEvidence.ts';

const ctx = createContext();
const pair = generateKeyPairSync('ed25519');
const key: SigningKey = { privateKey: pair.privateKey, keyId: keyIdOf(pair.publicKey) };
const step = { id: 'a', title: 'A', kind: 'run', command: ['true'] };

function all(repository: Repository): Promise<StoredEvidence[]> {
  return loadEvidence(ctx, repository, (object, reason) => {
    throw new Error(`${object}: ${reason}`);
  });
}

/** Stores three reports, each of which names the one before it. */
async function chained(signing: SigningKey | undefined): Promise<{ repository: Repository; evidence: Evidence[] }> {
  const repository = await newRepository();
  const evidence: Evidence[] = [];
  const run = loadedRun({ steps: [step] }, [[1, { type: 'ended', verdict: 'passed' }]]);
  const made = composeEvidence(run, surroundings({ signingKeyId: signing?.keyId ?? null }));
  for (const day of ['2026-09-01', '2026-10-01', '2026-11-01']) {
    const one = evidenceOf(made, day, looseEnds(await all(repository)));
    await saveEvidence(ctx, repository, { evidence: one, key: signing });
    evidence.push(one);
    if (day === '2026-09-01') await review(repository);
  }
  return { repository, evidence };
}

function evidenceOf(made: Evidence, day: string, previous: Evidence['integrity']['previous']): Evidence {
  return {
    ...made,
    report: { ...made.report, id: `run-${day}`, generatedAt: `${day}T10:00:00.000Z` },
    timeline: { ...made.timeline, begunAt: `${day}T09:00:00.000Z` },
    integrity: { ...made.integrity, previous },
  };
}

async function review(repository: Repository): Promise<void> {
  const [to] = await all(repository);
  const said = { by: 'Berta', decision: 'accepted', comment: 'fine', at: '2026-09-02T00:00:00.000Z' } as const;
  await amendEvidence(ctx, repository, { to: to!, kind: 'review', by: 'Berta', review: said });
}

/** Replaces an object by what somebody with the key of the repository has made of it. */
async function forge(repository: Repository, name: string, change: (text: string) => string): Promise<void> {
  const sealer = new ObjectSealer(repository.masterKey);
  const text = sealer.open(await repository.backend.get(ctx, name)).toString('utf8');
  expect(change(text)).not.toBe(text);
  await repository.backend.put(ctx, name, sealer.seal(Buffer.from(change(text))));
}

async function problems(repository: Repository, keys = [pair.publicKey]): Promise<string[]> {
  return verifyChain(await all(repository), keys).flatMap((check) => check.problems);
}

test('what is stored comes back as it was, oldest first, with what was said about it', async () => {
  const { repository, evidence } = await chained(key);
  const stored = await all(repository);
  expect(stored.map(({ original }) => original)).toEqual(evidence);
  expect(stored.map(({ object }) => object)).toEqual([
    'understudy/evidence/2026/09/run-2026-09-01.json',
    'understudy/evidence/2026/10/run-2026-10-01.json',
    'understudy/evidence/2026/11/run-2026-11-01.json',
  ]);
  expect(stored[0]?.evidence.review).toMatchObject({ by: 'Berta', decision: 'accepted' });
  expect(stored[0]?.evidence.unknown).not.toHaveProperty('review');
  expect(stored[1]?.evidence).toEqual(stored[1]?.original);
  expect(await problems(repository)).toEqual([]);
  const checks = verifyChain(stored, [pair.publicKey]);
  expect(checks.map(({ signed }) => signed)).toEqual([true, true, true]);
  await expect(saveEvidence(ctx, repository, { evidence: evidence[0]!, key })).rejects.toMatchObject({
    code: 'object-exists',
  });
});

test.each([
  ['a changed report', 'understudy/evidence/2026/11/run-2026-11-01.json', /has changed since it was signed/],
  ['a changed report in between', 'understudy/evidence/2026/10/run-2026-10-01.json', /before it has changed/],
])('%s is found, also when it was changed with the key of the repository', async (_, object, problem) => {
  const { repository } = await chained(key);
  await forge(repository, object, (text) => text.replace('\\"verdict\\": \\"passed\\"', '\\"verdict\\": \\"failed\\"'));
  expect((await problems(repository)).join('\n')).toMatch(problem);
});

test('without signatures the chain still tells what was changed, and what is missing', async () => {
  const { repository } = await chained(undefined);
  expect(await problems(repository, [])).toEqual([]);
  await forge(repository, 'understudy/evidence/2026/10/run-2026-10-01.json', (text) => text.replace('anna', 'otto'));
  expect(await problems(repository, [])).toEqual([expect.stringContaining('has changed: run-2026-10-01')]);
  await repository.backend.delete(ctx, 'understudy/evidence/2026/10/run-2026-10-01.json');
  expect(await problems(repository, [])).toEqual([expect.stringContaining('missing: run-2026-10-01')]);
});

test('a review that is taken away or changed is found by the evidence that followed', async () => {
  const { repository } = await chained(key);
  const { object } = (await all(repository))[0]!.amendments[0]!;
  await forge(repository, object, (text) => text.replace('accepted', 'rejected'));
  expect(await problems(repository)).toEqual([expect.stringContaining('what was said about run-2026-09-01')]);
  await repository.backend.delete(ctx, object);
  expect(await problems(repository)).toEqual([expect.stringContaining('what was said about run-2026-09-01')]);
});

test('a signature that was taken away, is by another key, or cannot be checked, is a problem', async () => {
  const { repository } = await chained(key);
  const stored = await all(repository);
  const newest = stored.at(-1);
  if (newest === undefined) throw new Error('nothing is stored');
  const checked = (one: StoredEvidence, keys = [pair.publicKey]) =>
    verifyChain([...stored.slice(0, -1), one], keys)
      .at(-1)
      ?.problems.join();
  expect(checked({ ...newest, envelope: null })).toContain('taken away');
  expect(checked(newest, [])).toContain('cannot be checked');
  expect(checked(newest, [generateKeyPairSync('ed25519').publicKey])).toContain('cannot be checked');
  expect(checked({ ...newest, envelope: stored[0]!.envelope })).toContain('has changed since it was signed');
  const [signature] = newest.envelope!.signatures;
  const forged = { ...newest.envelope!, payload: Buffer.from('{}').toString('base64') };
  expect(checked({ ...newest, envelope: forged })).toContain('not by this key');
  expect(signature?.keyid).toBe(key.keyId);
});

test('a damaged object is told, and the others are still read', async () => {
  const { repository } = await chained(undefined);
  const name = 'understudy/evidence/2026/10/run-2026-10-01.json';
  const sealed = await repository.backend.get(ctx, name);
  sealed[40]! ^= 1;
  await repository.backend.put(ctx, name, sealed);
  const told: string[] = [];
  const stored = await loadEvidence(ctx, repository, (object) => void told.push(object));
  expect(told).toEqual([name]);
  expect(stored).toHaveLength(2);
});

test('a signing key is its owner’s alone, is never replaced, and is refused when others may read it', async () => {
  await using directory = await tempDir();
  const path = directory.join('evidence.key');
  const { keyId, publicKey } = writeSigningKey(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(keyIdOf(readPublicKey(publicKey))).toBe(keyId);
  expect(readSigningKey(path).keyId).toBe(keyId);
  expect(() => writeSigningKey(path)).toThrow('exists');
  expect(readFileSync(publicKey, 'utf8')).not.toContain('PRIVATE');
  chmodSync(path, 0o644);
  expect(() => readSigningKey(path)).toThrow('others may read');
  writeFileSync(directory.join('other'), 'no key', { mode: 0o600 });
  expect(() => readSigningKey(directory.join('other'))).toThrow('no Ed25519 key');
  expect(() => readSigningKey(directory.join('none'))).toThrow(expect.objectContaining({ code: 'file-missing' }));
});

/** Stores what is sealed under one name under another too: that takes no key. */
async function copy(repository: Repository, from: string, to: string): Promise<void> {
  await repository.backend.put(ctx, to, await repository.backend.get(ctx, from));
}

test('a report or a review that was copied to another place counts there for nothing, and is told', async () => {
  const { repository } = await chained(key);
  const { object } = (await all(repository))[0]!.amendments[0]!;
  const copies = [
    'understudy/evidence/2026/12/run-2026-12-01.json',
    'understudy/evidence/2026/11/run-2026-11-01/20990101T000000000Z-review.json',
    'understudy/evidence/2026/09/run-2026-09-01/20990101T000000000Z-review.json',
    'understudy/evidence/2026/12/run-2026-12-01/20260902T000000000Z-review.json',
  ] as const;
  await copy(repository, 'understudy/evidence/2026/11/run-2026-11-01.json', copies[0]);
  for (const to of copies.slice(1)) await copy(repository, object, to);
  const told: string[] = [];
  const stored = await loadEvidence(ctx, repository, (name) => void told.push(name));
  expect(told.toSorted()).toEqual([...copies].toSorted());
  expect(stored.map(({ original }) => original.report.id)).toEqual([
    'run-2026-09-01',
    'run-2026-10-01',
    'run-2026-11-01',
  ]);
  expect(stored.map(({ evidence }) => evidence.review?.by)).toEqual(['Berta', undefined, undefined]);
});

test('the next report names all that none names: runs that ended at once, one stored late, late reviews', async () => {
  const { repository, evidence } = await chained(key);
  const [first, second, third] = evidence;
  const twin = evidenceOf(third!, '2026-11-02', third!.integrity.previous);
  const late = evidenceOf(third!, '2026-08-01', looseEnds((await all(repository)).slice(0, 1)));
  for (const one of [twin, late]) await saveEvidence(ctx, repository, { evidence: one, key });
  const [, to] = await all(repository);
  const said = { by: 'Carl', decision: 'rejected', comment: '', at: '2026-12-01T00:00:00.000Z' } as const;
  await amendEvidence(ctx, repository, { to: to!, kind: 'review', by: 'Carl', review: said });
  const loose = looseEnds(await all(repository));
  expect(loose.map(({ id, amendments }) => [id, amendments.length])).toEqual([
    [late.report.id, 0],
    [first!.report.id, 2],
    [third!.report.id, 0],
    [twin.report.id, 0],
  ]);
  await saveEvidence(ctx, repository, { evidence: evidenceOf(third!, '2026-12-05', loose), key });
  expect(looseEnds(await all(repository)).map(({ id }) => id)).toEqual(['run-2026-12-05']);
  expect(await problems(repository)).toEqual([]);
  expect(second!.integrity.previous).toHaveLength(1);
  for (const one of [third!, late]) {
    const month = one.timeline.begunAt.slice(5, 7);
    await repository.backend.delete(ctx, `understudy/evidence/2026/${month}/${one.report.id}.json`);
  }
  expect((await problems(repository)).join()).toContain(`missing: ${third!.report.id}`);
  expect((await problems(repository)).join()).toContain(`missing: ${late.report.id}`);
});

test('where there is a key, a report without a signature counts only when a signed one names it', async () => {
  const { repository, evidence } = await chained(undefined);
  expect(await problems(repository)).toEqual(Array(3).fill(expect.stringContaining('not signed')));
  const loose = looseEnds(await all(repository));
  const made = { ...evidence[0]!, integrity: { ...evidence[0]!.integrity, signingKeyId: key.keyId } };
  await saveEvidence(ctx, repository, { evidence: evidenceOf(made, '2026-12-01', loose), key });
  expect(await problems(repository)).toEqual([]);
});

test('an id that would lead out of a directory is no evidence', async () => {
  const { repository, evidence } = await chained(undefined);
  await forge(repository, 'understudy/evidence/2026/11/run-2026-11-01.json', (text) =>
    text.replace(evidence[2]!.report.id, '../../run'),
  );
  const told: string[] = [];
  await loadEvidence(ctx, repository, (name) => void told.push(name));
  expect(told).toEqual(['understudy/evidence/2026/11/run-2026-11-01.json']);
});
