import { OperationError } from '../../base/errors.ts';
import { choice, directory, duration, flag, list, mayStandAlone, parsed, size, type CommandSpec } from '../spec.ts';
import { compressionLevels } from '../../config/repositoryDefaults.ts';
import { connectionFlags } from './connectionFlags.ts';

/** Tags are listed with commas between them. */
function readLabel(text: string): string {
  if (/^[^\s,][^,]*$/.test(text)) return text;
  throw new OperationError('usage', `--name: "${text}" cannot be a name`, { hint: 'a name has no comma' });
}

export const backupSpec = {
  name: 'backup',
  summary: 'Back up what is configured: clusters, databases, files',
  description:
    'Of a cluster everything that recovery needs, WAL from its start to its end included; of the other kinds of sources ' +
    'what understudy.yaml says. Only what changed since the last one is stored. An interrupted backup is simply run again: what it stored is not stored twice.',
  arguments: [
    {
      name: 'source',
      description: 'names from understudy.yaml; default all. Where none is configured, the name to give to the cluster',
      count: 'many',
    },
  ],
  options: {
    ...connectionFlags,
    dataDirectory: directory(
      '--data-directory <path>',
      'Data directory on this machine; default what the server says.',
    ),
    method: choice({
      flags: '--method <method>',
      description: '`files` reads the data directory, `stream` uses the replication protocol, `auto` decides.',
      words: ['auto', 'files', 'stream'],
    }),
    compression: choice({
      flags: '--compression <level>',
      description: 'How hard to compress, instead of what is configured.',
      words: compressionLevels,
    }),
    chunkSize: size(
      '--chunk-size <size>',
      'Size of the chunks, a power of two from 64KiB to 8MiB; keep it once chosen.',
    ),
    name: parsed('--name <label>', 'What this backup is for, e.g. pre-migration; a tag `name:<label>`.', readLabel),
    tag: list('--tag <tag>', 'Tag of the snapshot; may be given several times.'),
    archiveTimeout: duration(
      '--archive-timeout <duration>',
      'Where WAL is archived into the repository, wait so long for that of the backup; default 1m.',
    ),
    verify: mayStandAlone(
      choice({
        flags: '--verify [level]',
        description:
          'Verify each new snapshot as `understudy verify` does, and keep the proof. Default: 5 where the configuration ' +
          'asserts something about the source, else 4. Name sources before it.',
        words: ['1', '2', '3', '4', '5', 'highest'],
      }),
      'highest',
    ),
    rehash: flag('--rehash', 'Read everything again, also what seems unchanged.'),
  },
  examples: [
    { command: 'backup', meaning: 'every source that is configured' },
    { command: 'backup main --tag before-upgrade', meaning: 'one source, with a tag' },
    { command: 'backup --name pre-migration', meaning: 'named, to be told from the daily ones' },
    { command: 'backup --verify', meaning: 'prove each backup by restoring it; exit status 1 or 4 as of `verify`' },
    { command: 'backup shop --host db1 --user backup', meaning: 'a cluster that is not configured, over the network' },
  ],
} as const satisfies CommandSpec;
