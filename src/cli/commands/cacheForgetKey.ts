import { removeKeyCache } from '../../repository/keyCache.ts';
import { requireKeyCachePath, sizeOf } from '../cache/places.ts';
import type { CommandRun } from '../command.ts';
import type { cacheForgetKeySpec } from '../specs/cache.ts';

export const run: CommandRun<typeof cacheForgetKeySpec> = async (_ctx, { printer, options, ...invocation }) => {
  const path = await requireKeyCachePath(invocation, options.file);
  const removed = sizeOf(path) !== undefined;
  removeKeyCache(path);
  const text = removed ? `removed the unwrapped key ${path}` : `there is no unwrapped key in ${path}`;
  printer.result('key_forgotten', { path, removed }, () => text);
};
