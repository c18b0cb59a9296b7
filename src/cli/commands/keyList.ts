import { listKeys, type KeyEntry } from '../../repository/keys.ts';
import type { CommandRun } from '../command.ts';
import { openRepository } from '../openRepository.ts';
import type { keyListSpec } from '../specs/key.ts';
import { formatTable, usedColumns, type Column } from '../table.ts';

const columns: readonly Column<KeyEntry>[] = [
  { title: '', value: ({ current }) => (current ? '*' : '') },
  { title: 'ID', value: ({ id }) => id.slice(0, 8) },
  { title: 'User', value: ({ username }) => username },
  { title: 'Host', value: ({ hostname }) => hostname },
  { title: 'Created', value: ({ created }) => created.slice(0, 19).replace('T', ' ') },
  { title: 'Problem', value: ({ problem }) => problem ?? '' },
];

export const run: CommandRun<typeof keyListSpec> = async (ctx, invocation) => {
  const { printer, terminal } = invocation;
  const keys = await listKeys(ctx, await openRepository(ctx, invocation));
  if (printer.json) for (const key of keys) printer.result('key', { ...key }, () => '');
  else printer.result('keys', {}, () => formatTable(terminal, usedColumns(columns, keys), keys));
};
