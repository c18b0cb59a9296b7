import { OperationError } from '../../base/errors.ts';
import type { OptionValues } from '../spec.ts';
import type { forgetSpec } from '../specs/forget.ts';

type ForgetOptions = OptionValues<(typeof forgetSpec)['options']>;

/** Throws `usage` for options of forget that would have no effect: whoever gave them expects one. */
export function refuseIgnored(named: readonly string[], options: ForgetOptions): void {
  const filters = given({
    '--source': options.source.length > 0,
    '--tag': options.tag.length > 0,
    '--host': options.host.length > 0,
    '--path': options.path.length > 0,
  });
  if (named.length > 0 && filters !== '') {
    throw new OperationError('usage', `snapshots are named, and ${filters} would be ignored`, {
      hint: 'give either the ones to forget, or which of them the rules are for',
    });
  }
  const limits = given({
    '--max-unused': options.maxUnused !== undefined,
    '--max-repack-size': options.maxRepackSize !== undefined,
    '--recovery-window': options.recoveryWindow !== undefined,
    '--repack-small': options.repackSmall,
  });
  if (!options.prune && limits !== '') {
    throw new OperationError('usage', `${limits} would be ignored without --prune`, {
      hint: 'add --prune, or give it to `understudy prune` afterwards',
    });
  }
}

function given(flags: Readonly<Record<string, boolean>>): string {
  return Object.keys(flags)
    .filter((flag) => flags[flag])
    .join(', ');
}
