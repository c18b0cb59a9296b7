import { removeKey } from '../../repository/keys.ts';
import type { CommandRun } from '../command.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import type { keyRemoveSpec } from '../specs/key.ts';

export const run: CommandRun<typeof keyRemoveSpec> = async (ctx, invocation) => {
  const repository = await openRepository(ctx, invocation);
  const id = await removeKey(ctx, repository, { id: invocation.arguments[0]!, ...lockWait(invocation) });
  invocation.printer.result('key_removed', { id }, () => `removed key ${id.slice(0, 8)}`);
};
