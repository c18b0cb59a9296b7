import { OperationError } from '../../base/errors.ts';
import type { NotCaptured } from '../dumpRecord.ts';
import type { DatabaseEntry } from './serverFacts.ts';

export interface ChosenDatabases {
  readonly entries: readonly DatabaseEntry[];
  readonly notCaptured: readonly NotCaptured[];
}

/**
 * The databases to dump: the wanted ones, else all that can be connected to. Throws `not-found` for one that is not
 * there, `postgres-denied` for a wanted one that is closed to this role.
 */
export function chooseDatabases(all: readonly DatabaseEntry[], wanted: readonly string[]): ChosenDatabases {
  const absent = wanted.filter((name) => !all.some((entry) => entry.name === name));
  if (absent.length > 0) {
    throw new OperationError('not-found', `the server has no database ${absent.join(', ')}`, {
      hint: `it has ${all.map(({ name }) => name).join(', ')}`,
    });
  }
  const entries: DatabaseEntry[] = [];
  const notCaptured: NotCaptured[] = [];
  for (const entry of all) {
    const isWanted = wanted.includes(entry.name);
    if (wanted.length > 0 && !isWanted) continue;
    const obstacle = obstacleOf(entry, isWanted);
    if (obstacle === undefined) entries.push(entry);
    else if (isWanted) throw closed(entry, obstacle.reason);
    else notCaptured.push({ database: null, what: `database ${entry.name}`, ...obstacle });
  }
  if (entries.length > 0) return { entries, notCaptured };
  throw new OperationError('postgres-denied', 'this role may connect to no database', {
    hint: 'GRANT CONNECT ON DATABASE ... TO the role of the backup',
  });
}

function obstacleOf(entry: DatabaseEntry, isWanted: boolean): { reason: string; expected: boolean } | undefined {
  if (!entry.connectable) return { reason: 'the database allows no connections', expected: true };
  if (!entry.allowed) return { reason: 'the role lacks CONNECT on it', expected: false };
  if (entry.isTemplate && !isWanted) return { reason: 'a template is dumped only when it is named', expected: true };
  return undefined;
}

function closed({ name }: DatabaseEntry, reason: string): OperationError {
  return new OperationError('postgres-denied', `the database ${name} cannot be dumped: ${reason}`);
}
