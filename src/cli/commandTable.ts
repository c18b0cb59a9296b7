import { register, type RegisteredCommand } from './command.ts';
import { backupSpec } from './specs/backup.ts';
import { completionSpec } from './specs/completion.ts';
import { doctorSpec } from './specs/doctor.ts';
import { initSpec } from './specs/init.ts';
import { snapshotsSpec } from './specs/snapshots.ts';
import { versionSpec } from './specs/version.ts';

/**
 * Every command, in the order of --help. To add one: `specs/<command>.ts` with its description, `commands/<command>.ts`
 * with `run`, a line here. A name of two words is a command of a group, which then needs a line in `groups`.
 */
export const commandTable: readonly RegisteredCommand[] = [
  register(initSpec, () => import('./commands/init.ts')),
  register(backupSpec, () => import('./commands/backup.ts')),
  register(snapshotsSpec, () => import('./commands/snapshots.ts')),
  register(doctorSpec, () => import('./commands/doctor.ts')),
  register(completionSpec, () => import('./commands/completion.ts')),
  register(versionSpec, () => import('./commands/version.ts')),
];

/** Groups of commands and what they are about. */
export const groups: Readonly<Record<string, string>> = {};
