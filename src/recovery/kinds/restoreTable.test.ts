import { expect, test } from 'vitest';
import { FaultBackend } from '../../backend/fault.ts';
import { openMemoryBackend } from '../../backend/memory.ts';
import { newRepository } from '../../testing/repositories.ts';
import { runStep } from '../fixture/stepRun.ts';
import type { TablesRequest, TablesRestored } from '../stepServices.ts';

const restored = { schema: 'public', name: 'event_restored', rows: 7n, replaced: false };
const table = { ...restored, from: { schema: 'public', name: 'event' } };

async function restoring(found: Partial<TablesRestored>, more: object = {}, backend = openMemoryBackend()) {
  const repository = await newRepository({ backend });
  const output: string[] = [];
  const requests: TablesRequest[] = [];
  const services = {
    repository: () => Promise.resolve(repository),
    restoreTables: (_ctx: unknown, _repository: unknown, request: TablesRequest) => {
      requests.push(request);
      return Promise.resolve({ snapshot: 's', consistentAt: 'now', tables: [table], unmade: [], ...found });
    },
  };
  const step = { kind: 'restore-table', tables: ['public.event'], connection: 'postgresql://h/shop', ...more };
  return { result: await runStep(step, { services, output }), requests, output };
}

test('what could not be made of a table is told in the result of the step', async () => {
  const { result } = await restoring({ unmade: ['CREATE INDEX a', 'ALTER TABLE b'] });
  expect(result.summary).toBe('restored public.event_restored; 2 indexes or constraints could not be made');
  expect(result.facts).toMatchObject({ notMade: '2 indexes or constraints', rows: 7 });
  const whole = await restoring({});
  expect(whole.result.summary).toBe('restored public.event_restored');
  expect(whole.result.facts).toMatchObject({ notMade: null });
});

test('a rehearsal takes nothing but the name of the database from the connection, and needs a moment', async () => {
  const { requests } = await restoring({}, { sandbox: true, time: 'latest' });
  expect(requests).toMatchObject([{ sandbox: true, time: 'latest', target: { database: 'shop' } }]);
});

test('a step restores from a repository that may not be written to, and says that it has no lock', async () => {
  const errors = [{ kind: 'put', nth: 3, code: 'backend-denied' }] as const;
  const { result, output } = await restoring({}, {}, new FaultBackend(openMemoryBackend(), { errors }));
  expect(result.facts).toMatchObject({ rows: 7 });
  expect(output).toEqual([expect.stringMatching(/^the repository is read without a lock, do not prune it now: /)]);
});
