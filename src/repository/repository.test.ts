import { hash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { FaultBackend } from '../backend/fault.ts';
import { openLocalBackend } from '../backend/local.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { tempDir } from '../testing/tempDir.ts';
import { generateMasterKey } from './crypto/masterKey.ts';
import { Sealer } from './crypto/sealer.ts';
import { newRepository, objectNames, password, passwordText, quickCost, reopen } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUp, restoreAll } from '../testing/testSnapshots.ts';
import { parseIndex, serializeIndex } from './index/indexDocument.ts';
import { createKeyFile } from './keyFile.ts';
import { listKeys } from './keys.ts';
import { Repository } from './repository.ts';
import { polynomialDegree } from './polynomial.ts';

const ctx = createContext();
const init = (backend: Backend) => Repository.init(ctx, backend, { password, cost: quickCost });
const open = (backend: Backend, text = passwordText) => Repository.open(ctx, backend, { password: new Secret(text) });

/** Stores a key of another master key, as an init that was cut short leaves it. */
async function putOrphan(backend: Backend, text = passwordText): Promise<string> {
  const { id, bytes } = await createKeyFile(generateMasterKey(), text, { cost: quickCost, now: new Date() });
  await backend.put(ctx, `keys/${id}`, bytes);
  return id;
}

/** The same objects, those of `first` listed first. */
async function reordered(backend: Backend, first: string): Promise<Backend> {
  const copy = openMemoryBackend();
  const names = await objectNames(backend);
  for (const name of names.sort((a, b) => Number(b.startsWith(first)) - Number(a.startsWith(first)))) {
    await copy.put(ctx, name, await backend.get(ctx, name));
  }
  return copy;
}

test('a new repository opens with its password and no other', async () => {
  const created = await newRepository();
  const opened = await open(created.backend);
  expect([opened.config, opened.keyId]).toEqual([created.config, created.keyId]);
  expect(polynomialDegree(opened.config.chunkerPolynomial)).toBe(53);
  await expect(open(created.backend, 'wrong')).rejects.toMatchObject({ code: 'wrong-password' });
  await expect(open(openMemoryBackend())).rejects.toMatchObject({ code: 'repository-missing' });
});

test('no repository is created over another, nor over what is left of one', async () => {
  const { backend } = await newRepository();
  await expect(init(backend)).rejects.toMatchObject({ code: 'repository-exists' });
  await backend.put(ctx, `data/ab/${'ab'.repeat(32)}`, Buffer.from('precious'));
  await backend.delete(ctx, 'config');
  const remains = { code: 'repository-exists', hint: expect.stringContaining('from a copy') };
  await expect(init(backend)).rejects.toMatchObject(remains);
  for (const key of await objectNames(backend, 'keys/')) await backend.delete(ctx, key);
  await expect(init(backend)).rejects.toMatchObject(remains);
});

test('an init that was cut short does not stop the next, which removes what it left', async () => {
  const backend = openMemoryBackend();
  const crashing = new FaultBackend(backend, { crash: { afterMutations: 1 } });
  await expect(init(crashing)).rejects.toThrow('dead');
  expect(await objectNames(backend, 'keys/')).toHaveLength(1);
  const created = await init(backend);
  expect(await objectNames(backend)).toEqual(['config', `keys/${created.keyId}`]);
});

test('of several inits at once one wins, and only its key stays', async () => {
  const backend = openMemoryBackend();
  const outcomes = await Promise.allSettled([init(backend), init(backend), init(backend)]);
  const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(lost).toEqual([1, 2].map(() => expect.objectContaining({ code: 'repository-exists' })));
  expect(await listKeys(ctx, await open(backend))).toMatchObject([{ current: true }]);
});

test('of several processes that init at once one wins', async () => {
  await using directory = await tempDir();
  const script = join(import.meta.dirname, 'fixture/initProcess.ts');
  const run = async (): Promise<string> =>
    (await promisify(execFile)(process.execPath, [script, directory.join('repo'), passwordText])).stdout;
  const outcomes = await Promise.all([run(), run(), run(), run()]);
  expect(outcomes.sort()).toEqual(['created', 'repository-exists', 'repository-exists', 'repository-exists']);
  const repository = await open(openLocalBackend(directory.join('repo')));
  expect(await listKeys(ctx, repository)).toMatchObject([{ current: true }]);
});

test('an orphan key with the same password is no obstacle, whichever is listed first', async () => {
  const { backend, keyId } = await newRepository();
  const orphan = await putOrphan(backend);
  for (const first of [keyId, orphan]) {
    expect((await open(await reordered(backend, `keys/${first}`))).keyId).toBe(keyId);
  }
});

test('keys that no client can use are no obstacle, and are told of when no other opens', async () => {
  const { backend, keyId } = await newRepository();
  const good = JSON.parse((await backend.get(ctx, `keys/${keyId}`)).toString()) as Record<string, unknown>;
  const bad = [
    { ...good, kdf: 'argon2id' },
    { ...good, N: 2 ** 30 },
    { ...good, N: 1000 },
    { ...good, r: 0 },
    { ...good, p: 2 ** 25 },
    { ...good, salt: 'AAAA' },
    { ...good, data: 7 },
    7,
    null,
  ];
  const names: string[] = [];
  for (const text of [...bad.map((file) => JSON.stringify(file)), 'not JSON', '']) {
    const name = `keys/${hash('sha256', text)}`;
    await backend.put(ctx, name, Buffer.from(text));
    names.push(name);
  }
  await backend.put(ctx, `keys/${'0'.repeat(64)}`, Buffer.from(JSON.stringify(good)));
  const mixed = await reordered(backend, 'keys/0');
  const repository = await open(mixed);
  expect(repository.keyId).toBe(keyId);
  const keys = await listKeys(ctx, repository);
  expect(keys.filter(({ problem }) => problem !== undefined)).toHaveLength(names.length + 1);
  await expect(open(mixed, 'wrong')).rejects.toMatchObject({
    code: 'wrong-password',
    hint: expect.stringMatching(/key [0-9a-f]{8} (is damaged|uses an unknown|asks for more)/),
  });
  await backend.delete(ctx, `keys/${keyId}`);
  await backend.delete(ctx, `keys/${'0'.repeat(64)}`);
  for (const name of names.slice(1)) await backend.delete(ctx, name);
  await expect(open(backend)).rejects.toMatchObject({ code: 'repository-unsupported' });
});

test('at most 20 keys are tried, unless a hint names the one', async () => {
  const { backend, keyId } = await newRepository();
  const full = openMemoryBackend();
  for (let count = 0; count < 20; count++) await putOrphan(full, 'somebody else’s');
  for (const name of await objectNames(backend)) await full.put(ctx, name, await backend.get(ctx, name));
  const counting = new FaultBackend(full);
  await expect(open(counting)).rejects.toMatchObject({
    code: 'wrong-password',
    hint: expect.stringContaining('only 20 of 21 keys were tried'),
  });
  expect(counting.operations.filter(({ kind, name }) => kind === 'get' && name.startsWith('keys/'))).toHaveLength(20);
  const opened = await Repository.open(ctx, full, { password, keyHint: keyId.slice(0, 8) });
  expect(opened.keyId).toBe(keyId);
});

test('a repository whose configuration or keys are damaged is told apart from a wrong password', async () => {
  const repository = await newRepository();
  const { backend, config } = repository;
  const putConfig = (json: string): Promise<void> =>
    backend.put(ctx, 'config', new Sealer(repository.masterKey).seal(Buffer.from(json)));
  const polynomial = config.chunkerPolynomial.toString(16);
  const valid = { version: 2, id: config.id, chunker_polynomial: polynomial };
  for (const [broken, code] of [
    [{ ...valid, version: 1 }, 'repository-unsupported'],
    [{ ...valid, version: 3 }, 'repository-unsupported'],
    [{ ...valid, id: 'short' }, 'repository-damaged'],
    [{ ...valid, chunker_polynomial: 'not hex' }, 'repository-damaged'],
    [{ ...valid, chunker_polynomial: '3ca0c5d8b6c118' }, 'repository-damaged'],
  ] as const) {
    await putConfig(JSON.stringify(broken));
    await expect(reopen(repository)).rejects.toMatchObject({ code, hint: expect.any(String) });
  }
  await putConfig('{');
  await expect(reopen(repository)).rejects.toMatchObject({ code: 'repository-damaged' });
  await backend.put(ctx, 'config', Buffer.alloc(200, 1));
  await expect(reopen(repository)).rejects.toMatchObject({ code: 'repository-damaged', message: /no key opens it/ });
  await putConfig(JSON.stringify({ ...valid, append_only: true }));
  expect(() => repository.requireDeletable()).not.toThrow();
  const appendOnly = await reopen(repository);
  expect(() => appendOnly.requireDeletable()).toThrow(expect.objectContaining({ code: 'backend-denied' }));
  for (const key of await objectNames(backend, 'keys/')) await backend.delete(ctx, key);
  await expect(reopen(repository)).rejects.toMatchObject({ code: 'repository-damaged', message: /has no keys/ });
});

test('a reader without a lock whose index documents a prune replaces meanwhile loads the new ones', async () => {
  const clock = new SimulatedClock();
  const at = createContext({ clock });
  const { backend } = await newRepository({ ctx: at });
  const writer = await open(backend);
  await backUp(at, writer, { files: { a: Buffer.from('content') } });
  const reading = new FaultBackend(backend);
  const reader = await open(reading);
  const get = reading.get.bind(reading);
  let replaced = false;
  reading.get = async (...get_) => {
    if (get_[1].startsWith('index/') && !replaced) {
      replaced = true;
      const packs = [...parseIndex(await writer.loadDocument(at, 'index', get_[1].slice('index/'.length)))];
      await writer.saveDocument(at, 'index', serializeIndex(packs));
      await backend.delete(at, get_[1]);
    }
    return get(...get_);
  };
  expect((await reader.index(ctx)).packCount).toBe(2);
  expect((await restoreAll(reader)).size).toBe(1);
});

test('an index document that is listed and cannot be had is an error, not a loop', async () => {
  const { backend } = await newRepository();
  const reading = new FaultBackend(backend);
  const reader = await open(reading);
  reading.list = async function* (_ctx, prefix) {
    yield { name: `${prefix}${'ab'.repeat(32)}`, sizeBytes: 1 };
  };
  await expect(reader.index(ctx)).rejects.toMatchObject({ code: 'object-missing' });
});
