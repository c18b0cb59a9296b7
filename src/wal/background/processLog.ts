import { errorMessage } from '../../base/errors.ts';
import type { Log, LogFields } from '../../base/log.ts';

/** The log of a background process: JSON lines on its standard error, which is its log file. Nothing below warnings. */
export function processLog(common: LogFields): Log {
  const write = (level: string, fields: LogFields, message: string): void => {
    const { err, ...rest } = fields;
    const error = err === undefined ? {} : { error: errorMessage(err) };
    const line = { time: new Date().toISOString(), level, pid: process.pid, ...common, ...rest, ...error, message };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    child: (fields) => processLog({ ...common, ...fields }),
  };
}
