import { openBackend } from '../../backend/openBackend.ts';
import { Repository } from '../../repository/repository.ts';
import type { CommandRun } from '../command.ts';
import type { initSpec } from '../specs/init.ts';

export const run: CommandRun<typeof initSpec> = async (ctx, invocation) => {
  const { location, password: source } = await invocation.repositorySettings();
  const password =
    source.kind === 'none'
      ? await invocation.askNewPassword(`new password of ${location}`)
      : await invocation.repositoryPassword();
  const backend = await openBackend(location, { create: true });
  const { id } = (await Repository.init(ctx, backend, { password })).config;
  const fields = { id, repository: location };
  invocation.printer.result('initialized', fields, () => `created repository ${id.slice(0, 10)} at ${location}`);
  invocation.printer.remark('Without its password nobody can read it, you neither: keep a copy in another place.');
};
