import { resolve } from 'node:path';
import type { Context } from '../../base/context.ts';
import { answerRecovery, getFromPrefetcher } from '../../wal/walGetRequest.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { repositoryOrigin } from '../repositoryOrigin.ts';
import type { walGetSpec } from '../specs/walGet.ts';

/** Only what a running prefetcher needs to be asked is loaded at once; the rest when there is none. */
export const run: CommandRun<typeof walGetSpec> = async (ctx, invocation) => {
  const [name, target] = invocation.arguments as [string, string];
  const { timeout: timeoutMs } = invocation.options;
  await answerRecovery(ctx, { name, timeoutMs }, (limited) => get(limited, invocation, { name, target }));
};

async function get(
  ctx: Context,
  invocation: Invocation<typeof walGetSpec>,
  wanted: { readonly name: string; readonly target: string },
): Promise<void> {
  const { spool: spoolFlag, cluster, timeline, endAt } = invocation.options;
  const spool = spoolFlag === undefined ? undefined : resolve(spoolFlag);
  const history = { timeline, endAt };
  const origin = JSON.stringify([repositoryOrigin(invocation.global), cluster?.toString(), timeline, endAt]);
  if (spool !== undefined && (await getFromPrefetcher(ctx.signal, { ...wanted, spool, origin }))) return;

  const [{ openRepository }, { getFile, getFileAndFollowers }] = await Promise.all([
    import('../openRepository.ts'),
    import('../../wal/walGet.ts'),
  ]);
  const open = () => openRepository(ctx, invocation);
  const options = { ...wanted, cluster, history };
  if (spool === undefined) return getFile(ctx, await open(), options);
  const { location } = await invocation.repositorySettings();
  await getFileAndFollowers(ctx, open, { ...options, prefetch: { spool, origin, location } });
}
