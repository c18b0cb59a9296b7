import { isAbsolute, join } from 'node:path';
import { OperationError } from '../base/errors.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import type { WalSegmentName } from '../postgres/walSegment.ts';

export interface WalCommandOptions {
  /** How to call understudy: its program and, where that is Node, the script. Absolute paths. */
  readonly program: readonly [string, ...string[]];
  /** Options that name repository and configuration, e.g. `['--config', '/etc/understudy/understudy.yaml']`. */
  readonly commonArguments?: readonly string[];
  /**
   * Private directory for the background process; without one every segment starts a process that opens the repository.
   */
  readonly spool?: string | undefined;
  readonly cluster?: SystemIdentifier | undefined;
}

export interface RestoreCommandOptions extends WalCommandOptions {
  /** The timeline that recovery follows, when it is known: then no doubt about the others can stop it. */
  readonly timeline?: TimelineId | undefined;
  /** From this segment on nothing more is wanted, although the archive may have more behind a hole. */
  readonly endAt?: WalSegmentName | undefined;
}

/**
 * The value of archive_command. What the background archiver has stored ahead is recognised by the shell alone: its
 * acknowledgement has exactly the modification time of the segment. Everything else goes through `wal push`.
 * Throws `usage` for a path with control characters.
 */
export function composeArchiveCommand(options: WalCommandOptions): string {
  const push = `${commandWords('push', options)} "%p"`;
  if (options.spool === undefined) return push;
  const acknowledged = shellWord(options.spool + '/', '%f.ok');
  // both must exist: to an absent file shells do not compare alike
  const tests = [
    `test -f ${acknowledged}`,
    'test -f "%p"',
    `! test ${acknowledged} -nt "%p"`,
    `! test ${acknowledged} -ot "%p"`,
  ];
  return `${tests.join(' && ')} || exec ${push}`;
}

/**
 * The value of restore_command. What was fetched ahead lies in the spool, checked and complete, and is moved;
 * everything else goes through `wal get`. While the program is away, as during an upgrade, the status is 127 and
 * PostgreSQL stops: Node's own status for a missing script is 1, which means that the WAL ends here. Throws `usage` for
 * a path with control characters.
 */
export function composeRestoreCommand(options: RestoreCommandOptions): string {
  const { spool, timeline, endAt } = options;
  const timelineWords = timeline === undefined ? '' : ` --timeline ${timeline}`;
  const endWords = endAt === undefined ? '' : ` --end-at ${endAt}`;
  const get = `${commandWords('get', options)}${timelineWords}${endWords} "%f" "%p"`;
  const entry = options.program.at(-1) ?? '';
  const call = isAbsolute(entry) ? `test -f ${shellWord(entry)} || exit 127; exec ${get}` : `exec ${get}`;
  if (spool === undefined) return call;
  return `mv -f ${shellWord(join(spool, 'ready') + '/', '%f')} "%p" 2>/dev/null && exit; ${call}`;
}

/** The command's name comes first: only then it is recognised without loading the whole command line. */
function commandWords(
  verb: 'push' | 'get',
  { program, commonArguments = [], spool, cluster }: WalCommandOptions,
): string {
  const words = [...program, 'wal', verb, ...commonArguments];
  if (spool !== undefined) words.push('--spool', spool);
  if (cluster !== undefined) words.push('--cluster', String(cluster));
  return words.map((word) => shellWord(word)).join(' ');
}

/**
 * One word for the shell, with the percent signs doubled that PostgreSQL would replace; `suffix` is its placeholder.
 */
function shellWord(text: string, suffix = ''): string {
  if (hasControlCharacter(text)) {
    throw new OperationError('usage', 'a path with control characters cannot stand in a PostgreSQL setting', {
      hint: 'rename the directory, or use a symbolic link',
    });
  }
  if (suffix === '' && /^[A-Za-z0-9_@:,./=+-]+$/.test(text)) return text;
  const quoted = `'${text.replaceAll('%', '%%').replaceAll("'", String.raw`'\''`)}'`;
  return quoted + suffix;
}

function hasControlCharacter(text: string): boolean {
  return Buffer.from(text).some((byte) => byte < 0x20 || byte === 0x7f);
}
