import { acknowledgeChange } from '../../retention/acknowledge.ts';
import type { CommandRun } from '../command.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import type { retentionAcknowledgeSpec } from '../specs/retention.ts';

export const run: CommandRun<typeof retentionAcknowledgeSpec> = async (ctx, invocation) => {
  const [source = ''] = invocation.arguments;
  const repository = await openRepository(ctx, invocation);
  const { reason } = await acknowledgeChange(ctx, repository, { source, ...lockWait(invocation) });
  const fields = { source, ...(reason === undefined ? {} : { reason }) };
  invocation.printer.result('retention_acknowledged', fields, () =>
    reason === undefined
      ? `retention of ${source} was not held; its newest backup counts as usual from now on`
      : `retention of ${source} goes on (it was held because ${reason})`,
  );
};
