import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { newRepository } from '../testing/repositories.ts';
import { loadSealed, saveSealed } from './sealedStore.ts';

test('years of documents are read several at a time, and one that is damaged is left out', async () => {
  const ctx = createContext();
  const repository = await newRepository({ ctx });
  const names = Array.from({ length: 40 }, (_, index) => `understudy/proofs/${index}.json`);
  for (const object of names) await saveSealed(ctx, repository, { object, plain: Buffer.from(object) });
  await repository.backend.put(ctx, 'understudy/proofs/bad.json', Buffer.from('not sealed by us, and long enough'));
  const get = repository.backend.get.bind(repository.backend);
  let [running, most] = [0, 0];
  repository.backend.get = async (...words) => {
    most = Math.max(most, ++running);
    await new Promise((done) => setImmediate(done));
    return get(...words).finally(() => running--);
  };
  const unreadable: string[] = [];
  const found = await loadSealed(ctx, repository, {
    prefix: 'understudy/proofs/',
    parse: (plain) => plain.toString(),
    onUnreadable: (object) => unreadable.push(object),
  });
  expect(found.map(({ value }) => value)).toEqual(names.toSorted());
  expect(unreadable).toEqual(['understudy/proofs/bad.json']);
  expect(most).toBe(16);
});
