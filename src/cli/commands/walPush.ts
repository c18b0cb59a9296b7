import { resolve } from 'node:path';
import { askToStore } from '../../wal/walPushRequest.ts';
import type { CommandRun } from '../command.ts';
import { repositoryOrigin } from '../repositoryOrigin.ts';
import type { walPushSpec } from '../specs/walPush.ts';

/** Only what a running archiver needs to be asked is loaded at once; the rest when there is none. */
export const run: CommandRun<typeof walPushSpec> = async (ctx, invocation) => {
  const { spool: spoolFlag, cluster } = invocation.options;
  const path = resolve(invocation.arguments[0]!);
  const spool = spoolFlag === undefined ? undefined : resolve(spoolFlag);
  const origin = repositoryOrigin(invocation.global);
  if (spool !== undefined && (await askToStore(spool, { path, origin }, ctx.signal))) return;

  const [{ openRepository }, { pushFile, pushFileAndFollowers }] = await Promise.all([
    import('../openRepository.ts'),
    import('../../wal/walPush.ts'),
  ]);
  const open = () => openRepository(ctx, invocation);
  if (spool === undefined) {
    await pushFile(ctx, await open(), { path, cluster });
    return;
  }
  const { location, keyCacheFile } = await invocation.repositorySettings();
  const background = { spool, origin, location, always: keyCacheFile === undefined };
  await pushFileAndFollowers(ctx, open, { path, cluster, background });
};
