import { file, type CommandSpec } from '../spec.ts';

export const keyCacheWarning =
  'The file holds the master key of the repository, unwrapped: whoever reads it, also from a backup of this machine, ' +
  'reads every backup without a password, for as long as the repository exists.';

const keyFile = {
  file: file('--file <file>', 'The file, instead of repository.keyCacheFile (UNDERSTUDY_KEY_CACHE_FILE).'),
};

export const cacheListSpec = {
  name: 'cache list',
  summary: 'Show what understudy keeps on this machine for speed',
  options: keyFile,
  examples: [{ command: 'cache list', meaning: 'the compiled code, and the key if one is cached' }],
} as const satisfies CommandSpec;

export const cacheClearSpec = {
  name: 'cache clear',
  summary: 'Remove the caches of this machine',
  description:
    'The compiled code of this user and the cached key. Both are made again when they are needed or asked for.',
  options: keyFile,
  examples: [{ command: 'cache clear', meaning: 'before a machine is given away' }],
} as const satisfies CommandSpec;

export const cacheSaveKeySpec = {
  name: 'cache save-key',
  summary: 'Keep the unwrapped key, so that `wal push` and `wal get` start fast',
  description:
    'To derive the key from the password takes a tenth of a second or more and 32 MiB each time, which archive_command pays ' +
    `for every WAL segment. ${keyCacheWarning} It is written readable by its owner alone, in a directory that others cannot ` +
    'write to, and is refused when that is no longer so. `cache forget-key` removes it; removing the key from the ' +
    'repository makes it worthless for understudy, but not for whoever copied it.',
  options: keyFile,
  examples: [{ command: 'cache save-key', meaning: 'as the operating system user that runs PostgreSQL' }],
} as const satisfies CommandSpec;

export const cacheForgetKeySpec = {
  name: 'cache forget-key',
  summary: 'Remove the unwrapped key from this machine',
  options: keyFile,
  examples: [{ command: 'cache forget-key', meaning: 'the password is needed again from now on' }],
} as const satisfies CommandSpec;
