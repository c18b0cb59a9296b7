import type { Repository } from '../../repository/repository.ts';
import type { Printer } from '../printer.ts';

/** Tells with a dry run what the real one would end with. */
export function warnAppendOnly(printer: Pick<Printer, 'warn'>, { config }: Pick<Repository, 'config'>): void {
  if (config.appendOnly) printer.warn('the repository is append-only: without --dry-run this is refused');
}
