import { addKey } from '../../repository/keys.ts';
import type { CommandRun } from '../command.ts';
import { newPassword } from '../newPassword.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import type { keyAddSpec } from '../specs/key.ts';

export const run: CommandRun<typeof keyAddSpec> = async (ctx, invocation) => {
  const { user, host, newPasswordFile } = invocation.options;
  const repository = await openRepository(ctx, invocation);
  const password = await newPassword(invocation, newPasswordFile);
  const owner = {
    ...(user === undefined ? {} : { username: user }),
    ...(host === undefined ? {} : { hostname: host }),
  };
  const id = await addKey(ctx, repository, { password, owner, ...lockWait(invocation) });
  invocation.printer.result('key_added', { id }, () => `added key ${id.slice(0, 8)}`);
};
