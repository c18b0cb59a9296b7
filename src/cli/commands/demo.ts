import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseRuntimeUser, makeDirectoryFor } from '../../postgres/runtimeUser.ts';
import { createScratchDirectory, removeOrphans } from '../../postgres/scratchDirectory.ts';
import type { CommandRun } from '../command.ts';
import { preparePlace } from '../demo/demoCluster.ts';
import { runDemo } from '../demo/runDemo.ts';
import type { demoSpec } from '../specs/demo.ts';

const defaultEvents = 200_000;

export const run: CommandRun<typeof demoSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const parent = options.directory ?? tmpdir();
  await removeOrphans(ctx, parent);
  await using scratch = await createScratchDirectory(parent);
  const user = await chooseRuntimeUser(ctx);
  const directory = join(scratch.path, 'd');
  await makeDirectoryFor(user, directory);
  const place = await preparePlace(ctx, { directory, user, major: options.major });
  await runDemo(ctx, { place, events: options.events ?? defaultEvents, printer });
  if (!options.keep) return;
  const kept = scratch.path.replace('understudy-scratch-', 'understudy-demo-');
  await rename(directory, kept);
  printer.remark(`kept: ${kept} (repository, recovered cluster); remove it when you are done`);
};
