import { loadKeyCache } from '../../repository/keyCache.ts';
import { compiledCodePath, keyCachePath, sizeOf } from '../cache/places.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { formatBytes } from '../format.ts';
import { keyCacheWarning, type cacheListSpec } from '../specs/cache.ts';

export const run: CommandRun<typeof cacheListSpec> = async (_ctx, invocation) => {
  const { printer } = invocation;
  const code = compiledCodePath();
  const bytes = code === undefined ? undefined : sizeOf(code);
  if (code !== undefined && bytes !== undefined) {
    printer.result('cache', { kind: 'compiled-code', path: code, bytes }, () => {
      return `compiled code   ${code}  ${formatBytes(bytes)}`;
    });
  }
  await listKey(invocation);
};

async function listKey({ printer, options, ...invocation }: Invocation<typeof cacheListSpec>): Promise<void> {
  const path = await keyCachePath(invocation, options.file);
  if (path === undefined) return printer.remark('unwrapped key   not asked for');
  const cached = loadKeyCache(path);
  if (cached === undefined) return printer.remark(`unwrapped key   ${path}  not there`);
  const { repositoryId, keyId } = cached;
  printer.result('cache', { kind: 'unwrapped-key', path, repository: repositoryId, key: keyId }, () => {
    return `unwrapped key   ${path}  of repository ${repositoryId.slice(0, 10)}, key ${keyId.slice(0, 8)}`;
  });
  printer.remark(keyCacheWarning);
}
