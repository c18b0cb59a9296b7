import type { CaseName } from '../options.ts';
import type { BackupTool, Subject } from './backupTool.ts';
import { basebackup, copyTool } from './copies.ts';
import { pgbackrest } from './pgbackrest.ts';
import { restic } from './restic.ts';
import { understudy } from './understudy.ts';

/** Names in the tables; targets refer to them. */
export const toolNames = {
  understudy: 'understudy',
  understudyDefault: 'understudy, default compression',
  pgbackrest: 'pgBackRest',
  pgbackrestEncrypted: 'pgBackRest, encrypted',
  restic: 'restic',
  basebackup: 'pg_basebackup',
  receivewal: 'pg_receivewal',
  copy: 'cp',
} as const;

const everyCase: readonly CaseName[] = [
  'full',
  'unchanged',
  'restore',
  'delta-damaged',
  'delta-unchanged',
  'verify',
  'updates',
];

/** Ourselves and the peers that are installed, for one cluster. */
export function backupTools(subject: Subject, installed: ReadonlySet<string>): BackupTool[] {
  const { understudyDefault, pgbackrestEncrypted } = toolNames;
  const tools = [
    understudy(subject, { name: toolNames.understudy, cases: [...everyCase, 'large'], compression: 'better' }),
    understudy(subject, { name: understudyDefault, cases: ['full', 'unchanged', 'updates'], compression: 'auto' }),
  ];
  if (installed.has('pgbackrest')) {
    tools.push(
      pgbackrest(subject, { name: toolNames.pgbackrest, cases: everyCase, encrypted: false }),
      pgbackrest(subject, { name: pgbackrestEncrypted, cases: ['full', 'restore', 'verify'], encrypted: true }),
    );
  }
  if (installed.has('restic')) {
    tools.push(
      restic(subject, { name: toolNames.restic, cases: everyCase.filter((name) => !name.startsWith('delta')) }),
    );
  }
  if (installed.has('pg_basebackup')) tools.push(basebackup(subject, toolNames.basebackup));
  tools.push(copyTool(subject, toolNames.copy));
  return tools;
}
