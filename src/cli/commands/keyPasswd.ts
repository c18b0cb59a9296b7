import { changePassword } from '../../repository/keys.ts';
import type { CommandRun } from '../command.ts';
import { newPassword } from '../newPassword.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import type { keyPasswdSpec } from '../specs/key.ts';

export const run: CommandRun<typeof keyPasswdSpec> = async (ctx, invocation) => {
  const repository = await openRepository(ctx, invocation);
  const password = await newPassword(invocation, invocation.options.newPasswordFile);
  const changed = await changePassword(ctx, repository, { password, ...lockWait(invocation) });
  const text = () => `changed the password: key ${changed.added.slice(0, 8)} replaces ${changed.removed.slice(0, 8)}`;
  invocation.printer.result('password_changed', changed, text);
};
