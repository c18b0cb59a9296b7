import { isOperationError } from '../../base/errors.ts';
import type { LoadedConfig } from '../../config/loadConfig.ts';
import type { Invocation } from '../command.ts';
import { plural } from '../format.ts';
import type { Finding } from './finding.ts';

/** The configuration file, and whether repository and password are named. The file itself is already read. */
export async function checkConfiguration(loaded: LoadedConfig, invocation: Invocation): Promise<Finding[]> {
  return [fileFinding(loaded), ...loaded.warnings.map(warningFinding), await repositoryFinding(invocation)];
}

function fileFinding({ path, config }: LoadedConfig): Finding {
  if (path === undefined) {
    return { check: 'configuration', verdict: 'ok', message: 'no file; everything is at its default' };
  }
  const sources = plural(Object.keys(config.sources).length, 'source');
  return { check: 'configuration', verdict: 'ok', message: `${path} is valid: ${sources}` };
}

function warningFinding(message: string): Finding {
  return { check: 'configuration', verdict: 'warning', message };
}

async function repositoryFinding(invocation: Invocation): Promise<Finding> {
  try {
    const { location, password } = await invocation.repositorySettings();
    if (password.kind !== 'none') await invocation.repositoryPassword();
    const asked = password.kind === 'none' ? ', password will be asked for' : '';
    return { check: 'repository', verdict: 'ok', message: `${location} is named${asked}` };
  } catch (error) {
    if (!isOperationError(error) || error.code === 'interrupted') throw error;
    return {
      check: 'repository',
      verdict: 'failed',
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
  }
}
