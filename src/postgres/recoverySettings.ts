import { OperationError } from '../base/errors.ts';
import { formatLsn, type Lsn } from './lsn.ts';
import type { TimelineId } from './timeline.ts';

/** Where recovery ends. `time` is text that PostgreSQL understands, with a time zone. */
export type RecoveryTarget =
  | { readonly kind: 'latest' }
  | { readonly kind: 'immediate' }
  | { readonly kind: 'time'; readonly time: string }
  | { readonly kind: 'lsn'; readonly lsn: Lsn }
  | { readonly kind: 'xid'; readonly xid: bigint }
  | { readonly kind: 'name'; readonly name: string };

export interface RecoverySettings {
  /** Command with %f and %p, for the shell of the server's user. */
  readonly restoreCommand: string;
  readonly target: RecoveryTarget;
  /** `current`: the timeline of the backup. */
  readonly timeline: 'latest' | 'current' | TimelineId;
  /** Whether the transaction or position of the target itself is still replayed. */
  readonly inclusive: boolean;
  readonly action: 'pause' | 'promote' | 'shutdown';
  /** Run once, when recovery has ended; default nothing. */
  readonly recoveryEndCommand?: string;
  /** Only for a server that stays a standby. */
  readonly standby?: { readonly primaryConninfo?: string; readonly primarySlotName?: string };
}

/** File in the data directory that overrides postgresql.conf. */
export const autoConfPath = 'postgresql.auto.conf';

/** Settings of an earlier recovery or replication, by the beginnings of their names. */
const earlierNames = [
  'recovery_target',
  'recovery_end_command',
  'recovery_min_apply_delay',
  'restore_command',
  'archive_cleanup_command',
  'primary_conninfo',
  'primary_slot_name',
  'promote_trigger_file',
];

const earlierLine = new RegExp(`^\\s*(${earlierNames.join('|')})\\w*\\s*[=\\s]`, 'i');

/** The text of a postgresql.auto.conf without any setting of an earlier recovery or replication. */
export function stripRecoverySettings(text: string): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => !earlierLine.test(line))
    .join('');
}

/**
 * A postgresql.auto.conf for a recovery: what is left of `existing`, then the settings. Every other target is set
 * empty, and before the wanted one: the server refuses two, even if one of them stands in postgresql.conf.
 */
export function withRecoverySettings(existing: string, settings: RecoverySettings): string {
  const kept = stripRecoverySettings(existing);
  const separator = kept === '' || kept.endsWith('\n') ? '' : '\n';
  return `${kept}${separator}${recoveryLines(settings).join('')}`;
}

/** A value as postgresql.conf wants it: in quotes, with quotes, backslashes and newlines escaped. Throws `usage`. */
export function quoteSetting(value: string): string {
  if (value.includes('\0')) {
    throw new OperationError('usage', 'a PostgreSQL setting cannot contain a zero byte', {
      hint: 'is a path or a name in the recovery settings damaged?',
    });
  }
  const escaped = value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

function recoveryLines(settings: RecoverySettings): string[] {
  const { standby, target } = settings;
  const [wanted, value] = targetSetting(target) ?? [];
  const others = targetNames.filter((name) => name !== wanted).map((name) => settingLine(name, ''));
  return [
    ...others,
    ...(wanted === undefined ? [] : [settingLine(wanted, value as string)]),
    settingLine('recovery_target_timeline', String(settings.timeline)),
    settingLine('recovery_target_inclusive', settings.inclusive ? 'on' : 'off'),
    settingLine('recovery_target_action', settings.action),
    settingLine('restore_command', settings.restoreCommand),
    settingLine('recovery_end_command', settings.recoveryEndCommand ?? ''),
    ...(standby === undefined ? recoverOnlyLines() : standbyLines(standby)),
  ];
}

/** Leftovers in postgresql.conf that would act on an archive, or make recovery wait, are switched off. */
function recoverOnlyLines(): string[] {
  return [settingLine('archive_cleanup_command', ''), settingLine('recovery_min_apply_delay', '0')];
}

function standbyLines({ primaryConninfo, primarySlotName }: NonNullable<RecoverySettings['standby']>): string[] {
  return [
    ...(primaryConninfo === undefined ? [] : [settingLine('primary_conninfo', primaryConninfo)]),
    ...(primarySlotName === undefined ? [] : [settingLine('primary_slot_name', primarySlotName)]),
  ];
}

const targetNames = [
  'recovery_target',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_xid',
] as const;

function targetSetting(target: RecoveryTarget): readonly [(typeof targetNames)[number], string] | undefined {
  switch (target.kind) {
    case 'latest':
      return undefined;
    case 'immediate':
      return ['recovery_target', 'immediate'];
    case 'time':
      return ['recovery_target_time', target.time];
    case 'lsn':
      return ['recovery_target_lsn', formatLsn(target.lsn)];
    case 'xid':
      return ['recovery_target_xid', String(target.xid)];
    case 'name':
      return ['recovery_target_name', target.name];
  }
}

function settingLine(name: string, value: string): string {
  return `${name} = ${quoteSetting(value)}\n`;
}
