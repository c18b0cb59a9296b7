import { statSync } from 'node:fs';
import { findConfig } from '../config/findConfig.ts';
import type { GlobalValues } from './globalOptions.ts';

/**
 * What decides which repository a command means, without reading the configuration: two commands with the same origin
 * mean the same. A background process that serves one repository refuses commands of another origin.
 */
export function repositoryOrigin(global: GlobalValues): string {
  const path = findConfig({ path: global.config, environment: process.env });
  const config = path === undefined ? undefined : [path, statSync(path).mtimeMs];
  const environment = [process.env['UNDERSTUDY_REPOSITORY'], process.env['RESTIC_REPOSITORY']];
  return JSON.stringify([global.repo, config, ...environment, process.cwd()]);
}
