import { removeKeyCache } from '../../repository/keyCache.ts';
import { compiledCodePath, keyCachePath, removeDirectory, sizeOf } from '../cache/places.ts';
import type { CommandRun } from '../command.ts';
import type { cacheClearSpec } from '../specs/cache.ts';

export const run: CommandRun<typeof cacheClearSpec> = async (_ctx, invocation) => {
  const { printer, options } = invocation;
  const key = await keyCachePath(invocation, options.file);
  if (key !== undefined && sizeOf(key) !== undefined) {
    removeKeyCache(key);
    printer.result('cache_removed', { kind: 'unwrapped-key', path: key }, () => `removed the unwrapped key ${key}`);
  }
  const code = compiledCodePath();
  if (code !== undefined && sizeOf(code) !== undefined) {
    removeDirectory(code);
    printer.result('cache_removed', { kind: 'compiled-code', path: code }, () => `removed the compiled code ${code}`);
  }
};
