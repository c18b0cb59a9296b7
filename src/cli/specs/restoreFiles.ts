import { count, directory, flag, list, text, type CommandSpec } from '../spec.ts';

export const restoreFilesSpec = {
  name: 'restore files',
  summary: 'Bring back files and directories of a snapshot',
  description:
    'Of a source of files, the directory that all its paths have in common becomes the target directory. Nothing that ' +
    'exists is touched without --delta or --force, and what the snapshot does not have stays. Of any other snapshot, ' +
    'name a part: `latest:pgdata/postgresql.conf`. Files with secrets come back readable by their owner alone.',
  arguments: [
    { name: 'snapshot[:path]', description: 'id, beginning of an id, `latest`, `latest~1`, and a path in it' },
  ],
  options: {
    targetDir: directory('--target-dir <directory>', 'The directory to restore to; created when it is not there.'),
    inPlace: flag('--in-place', 'Restore to where the files came from.'),
    source: text('--source <name>', 'Of `latest`: the newest snapshot of this source.'),
    path: list(
      '--path <pattern>',
      'Only what matches (`*`, `?`, `[a-z]`, `**`), a directory with all that is in it; with a slash in front from the ' +
        'root of the file system, else at any depth. May be given several times.',
    ),
    delta: flag('--delta', 'Rewrite only what differs in a directory that holds the files, or a part of them.'),
    force: flag('--force', 'Replace files that are there.'),
    verify: flag('--verify', 'Read everything back and compare it with the snapshot.'),
    dryRun: flag('-n, --dry-run', 'Show what would be done; change nothing.'),
    threads: count('--threads <number>', 'Threads that restore; default one a core.'),
  },
  examples: [
    { command: 'restore files latest --source app --target-dir /tmp/app', meaning: 'a copy of an application' },
    { command: 'restore files latest --source app --in-place --delta --verify', meaning: 'put back what differs' },
    { command: "restore files 1a2b3c4d --path '*.env' --target-dir /tmp/old", meaning: 'some files of a snapshot' },
    { command: 'restore files latest:pgdata/postgresql.conf --target-dir /tmp/old', meaning: 'one file of a cluster' },
  ],
} as const satisfies CommandSpec;
