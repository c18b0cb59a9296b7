import { pino, type DestinationStream, type Level, type StreamEntry } from 'pino';
import { OperationError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Terminal } from './terminal.ts';

export interface LogOptions {
  /** Show the log on standard error. */
  readonly verbose: boolean;
  /** Append the log to this file. */
  readonly logFile: string | undefined;
  /** Objects instead of text on standard error. */
  readonly json: boolean;
  readonly terminal: Terminal;
}

/** The log of a command that was asked for one. Writing is synchronous: nothing is lost when the process ends. */
export function createLog(options: LogOptions): Log {
  const streams: StreamEntry[] = [];
  if (options.verbose) streams.push({ level: 'debug', stream: terminalStream(options) });
  if (options.logFile !== undefined) streams.push({ level: 'debug', stream: fileStream(options.logFile) });
  const timestamp = () => `,"time":"${new Date().toISOString()}"`;
  return pino({ level: 'debug', base: null, timestamp, formatters }, pino.multistream(streams));
}

const formatters = { level: (label: string) => ({ level: label }) };

function fileStream(path: string): DestinationStream {
  try {
    return pino.destination({ dest: path, sync: true, append: true, mkdir: false, mode: 0o600 });
  } catch (cause) {
    throw new OperationError('file-io', `cannot write log file ${path}`, {
      hint: 'does its directory exist, and may this user write there?',
      cause,
    });
  }
}

function terminalStream({ terminal, json }: LogOptions): DestinationStream {
  return { write: (line: string) => terminal.error(json ? line : `${readable(line)}\n`) };
}

/** `10:42:07.123 info  opened repository  id=12ab` from a line of pino. */
function readable(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: Level; time: string; msg: string };
  const shown = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`);
  return [time.slice(11, 23), level.padEnd(5), msg, ...shown].join(' ');
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value);
}
