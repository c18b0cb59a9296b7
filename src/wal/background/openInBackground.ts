import { openBackend } from '../../backend/openBackend.ts';
import { createContext, type Context } from '../../base/context.ts';
import { parseSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { Repository } from '../../repository/repository.ts';
import { importCredentials, type ExportedCredentials } from '../../repository/sealedObject.ts';
import { WalArchive } from '../walArchive.ts';
import { processLog } from './processLog.ts';

/** What a background process needs to open the archive. */
export interface ArchiveStart {
  readonly location: string;
  readonly credentials: ExportedCredentials;
  readonly systemIdentifier: string;
}

/** Opens the archive in a background process, without deriving a key. `name` stands in its log. */
export async function openInBackground(
  name: string,
  start: ArchiveStart,
): Promise<{ readonly ctx: Context; readonly repository: Repository; readonly archive: WalArchive }> {
  process.on('SIGHUP', () => undefined);
  const ctx = createContext({ log: processLog({ process: name }) });
  const backend = await openBackend(start.location);
  const repository = await Repository.open(ctx, backend, importCredentials(start.credentials));
  return { ctx, repository, archive: WalArchive.of(repository, parseSystemIdentifier(start.systemIdentifier)) };
}
