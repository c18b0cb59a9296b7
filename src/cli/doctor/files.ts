import { accessSync, constants } from 'node:fs';
import { systemErrorCode } from '../../base/errors.ts';
import type { SourceConfig } from '../../config/schema.ts';
import { plural } from '../format.ts';
import type { Finding } from './finding.ts';

/** Whether the paths of a source of files are there and may be read; what is in them a backup tells. */
export function filesFindings(name: string, config: Extract<SourceConfig, { kind: 'files' }>): Finding[] {
  const check = `${name}: paths`;
  const problems = [
    ...config.paths.flatMap((path) => problemAt(path, false) ?? []),
    ...config.optionalPaths.flatMap((path) => problemAt(path, true) ?? []),
  ];
  if (problems.length > 0) return problems.map((problem) => ({ check, verdict: 'failed', ...problem }));
  return [{ check, verdict: 'ok', message: `${plural(config.paths.length, 'path')} can be read` }];
}

function problemAt(path: string, mayBeMissing: boolean): Pick<Finding, 'message' | 'hint'> | undefined {
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      return { message: `${path} cannot be read: ${code}`, hint: 'run as root or as the owner of the files' };
    }
    if (mayBeMissing) return undefined;
    return { message: `${path} is not there`, hint: 'correct `paths`, or list it under `optionalPaths`' };
  }
}
