import { list, type CommandSpec } from '../spec.ts';
import { snapshotFlags } from './snapshotFlags.ts';

const { path: _, ...filterFlags } = snapshotFlags;

export const diffSpec = {
  name: 'diff',
  summary: 'Show what changed from one snapshot to another',
  description:
    '`+` added, `-` removed, `M` other content, `T` another type, `U` only owner, mode, time or attributes. A directory ' +
    'whose time alone changed is not listed. Works for snapshots of all kinds; unchanged directories are not read.',
  arguments: [
    { name: 'before', description: 'id, beginning of an id, `latest~1`' },
    { name: 'after', description: 'id, beginning of an id, `latest`' },
  ],
  options: {
    path: list(
      '--path <pattern>',
      'Only what matches (`*`, `?`, `[a-z]`, `**`), a directory with all that is in it. May be given several times.',
    ),
    ...filterFlags,
  },
  examples: [
    { command: 'diff latest~1 latest --source app', meaning: 'what the last backup of a source brought' },
    { command: "diff 1a2b3c4d 5e6f7a8b --path '*.env' --json", meaning: 'some files, one object for each' },
  ],
} as const satisfies CommandSpec;
