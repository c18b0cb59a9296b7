import { choice, count, directory, flag, text, type CommandSpec } from '../spec.ts';
import { recoveryTargetFlags } from './recoveryTargetFlags.ts';

export const verifySpec = {
  name: 'verify',
  summary: 'Prove that a backup can be recovered',
  description:
    'Level 1 checks that index, packs, trees and snapshots agree. Level 2 reads and hashes every blob. Level 3 compares the ' +
    'backup with its own record, a cluster with its manifest and WAL, the archives of a dump by pg_restore. Level 4 ' +
    'restores it: a cluster is recovered in a sandbox, its tables, indexes and pages are read; a dump goes into a server ' +
    'of its own and is compared with what was counted when it was made; files, logs and git repositories are compared ' +
    'with what the snapshot holds. A cluster is recovered to the newest point that is archived, or to a target: then from ' +
    'the backup that a restore would begin with. Level 5 checks what `verify.assertions` of the source demand. Every level includes those below. The ' +
    'proof is kept in the repository. Exit status 1: the backup is bad; 4: it could not be tested and may be good.',
  arguments: [
    { name: 'snapshot', description: 'the backup: an id or `latest`, which is the default', count: 'optional' },
  ],
  options: {
    level: choice({
      flags: '--level <level>',
      description: 'How far to go. Default: 5 where the configuration asserts something about the source, else 4.',
      words: ['1', '2', '3', '4', '5'],
    }),
    source: text('--source <name>', 'With `latest`: whose backup.'),
    ...recoveryTargetFlags,
    subset: text(
      '--subset <part>',
      'Read a part of the data below level 4, and look up every row in a part of the indexes: `5%`, `1/7`, `10G`.',
    ),
    wholeRepository: flag('--whole-repository', 'Verify all that the repository holds, to level 1 or 2 (default).'),
    scratch: directory('--scratch <directory>', 'Where the sandbox is made; it needs room for the restored cluster.'),
    postgresBinaries: directory('--postgres-binaries <directory>', 'Server programs that come before all others.'),
    keepSandbox: flag('--keep-sandbox', 'Leave the recovered cluster, stopped, where it is.'),
    history: flag('--history', 'Show the proofs that were made before.'),
    threads: count('--threads <number>', 'Threads that read; default one a core.'),
  },
  examples: [
    { command: 'verify', meaning: 'rehearse the recovery of the newest backup' },
    {
      command: 'verify --source shop --at "2026-11-21 10:42:00+01:00"',
      meaning: 'rehearse the recovery to that second',
    },
    { command: 'verify 1a2b3c4d --level 2 --subset 5%', meaning: 'read a twentieth of a backup' },
    { command: 'verify --whole-repository', meaning: 'read every object of the repository' },
    { command: 'verify --history', meaning: 'what was proved, when, and how long it took' },
  ],
} as const satisfies CommandSpec;
