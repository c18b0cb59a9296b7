import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { PhysicalBackupOptions, PhysicalBackupResult } from '../physicalBackup.ts';

/** Method `stream`. */
export function backupFromStream(
  _ctx: Context,
  _repository: Repository,
  _options: PhysicalBackupOptions,
): Promise<PhysicalBackupResult> {
  return Promise.reject(new OperationError('usage', 'method stream is being built'));
}
