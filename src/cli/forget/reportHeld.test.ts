import { expect, test } from 'vitest';
import { silentProgress } from '../../base/progress.ts';
import { parseSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { newRepository } from '../../testing/repositories.ts';
import type { Printer } from '../printer.ts';
import { reportHeld } from './reportHeld.ts';
import { warnAppendOnly } from './warnAppendOnly.ts';

function newPrinter() {
  const said: string[] = [];
  const printer: Printer = {
    json: false,
    progress: silentProgress,
    result: (_type, _fields, text) => void said.push(text()),
    remark: (text) => void said.push(text),
    warn: (text) => void said.push(text),
    end: () => undefined,
  };
  return { said, printer };
}

const held = [{ source: 'main', cause: 'change', reason: 'it shrank', event: undefined }] as const;

test('a hold is told and is an error; what was named is forgotten all the same', () => {
  const { said, printer } = newPrinter();
  const holding = { code: 'retention-held', message: 'retention is held for main: it shrank' };
  expect(() => reportHeld(printer, { held, wal: [], named: false })).toThrow(expect.objectContaining(holding));
  expect(() => reportHeld(printer, { held, wal: [], named: true })).toThrow(expect.objectContaining(holding));
  expect(said).toEqual([
    'nothing of main is removed: it shrank',
    'but for what is named, nothing of main is removed: it shrank',
  ]);
});

test('WAL that is kept because a backup cannot be read is no success', () => {
  const { printer } = newPrinter();
  const kept = {
    systemIdentifier: parseSystemIdentifier('7'),
    sources: [],
    plan: undefined,
    leases: [],
    overdueLeases: [],
  };
  const wal = [{ ...kept, keptBecause: 'snapshot 1a2b: it is damaged', undecided: true }];
  expect(() => reportHeld(printer, { held: [], wal, named: false })).toThrow(
    expect.objectContaining({ code: 'incomplete', message: expect.stringContaining('snapshot 1a2b: it is damaged') }),
  );
  const foreign = [{ ...kept, keptBecause: 'there is no base backup of this cluster', undecided: false }];
  reportHeld(printer, { held: [], wal: foreign, named: false });
});

test('a dry run in an append-only repository tells that the real one is refused', async () => {
  const { said, printer } = newPrinter();
  const repository = await newRepository();
  warnAppendOnly(printer, repository);
  expect(said).toEqual([]);
  Object.assign(repository.config, { appendOnly: true });
  warnAppendOnly(printer, repository);
  expect(said).toEqual([expect.stringContaining('is append-only')]);
});
