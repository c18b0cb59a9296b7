import type { LoadedConfig } from '../../config/loadConfig.ts';
import { plural } from '../format.ts';
import type { Finding } from './finding.ts';

/** The configuration file, which is already read, and what a person should know about it. */
export function checkConfiguration(loaded: LoadedConfig): Finding[] {
  const { path, config, warnings } = loaded;
  const check = 'configuration';
  const sources = plural(Object.keys(config.sources).length, 'source');
  const message = path === undefined ? 'no file; everything is at its default' : `${path} is valid: ${sources}`;
  return [
    { check, verdict: 'ok', message },
    ...warnings.map((warning): Finding => ({ check, verdict: 'warning', message: warning })),
  ];
}
