import { openBackend } from '../../backend/openBackend.ts';
import { saveKeyCache } from '../../repository/keyCache.ts';
import { Repository } from '../../repository/repository.ts';
import { requireKeyCachePath } from '../cache/places.ts';
import type { CommandRun } from '../command.ts';
import { keyCacheWarning, type cacheSaveKeySpec } from '../specs/cache.ts';

export const run: CommandRun<typeof cacheSaveKeySpec> = async (ctx, invocation) => {
  const { printer, options } = invocation;
  const path = await requireKeyCachePath(invocation, options.file);
  const backend = await openBackend((await invocation.repositorySettings()).location);
  // with the password, not with what an older cache holds
  const repository = await Repository.open(ctx, backend, { password: await invocation.repositoryPassword() });
  saveKeyCache(path, repository);
  const { keyId, config } = repository;
  printer.result('key_cached', { path, repository: config.id, key: keyId }, () => `saved the unwrapped key in ${path}`);
  printer.warn(keyCacheWarning);
};
