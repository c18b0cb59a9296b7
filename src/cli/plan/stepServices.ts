import { OperationError } from '../../base/errors.ts';
import { nameHint } from '../../config/nearestName.ts';
import type { StepServices } from '../../recovery/stepServices.ts';
import type { Invocation } from '../command.ts';
import { openRepository } from '../openRepository.ts';
import { selectSources } from '../postgresSource.ts';
import { composeRecoveryAccess } from '../restore/recoveryAccess.ts';
import { restoreTables } from './restoreTables.ts';

type Needed = Pick<Invocation, 'global' | 'loadConfig' | 'repositorySettings' | 'repositoryPassword'>;

/** What steps need, out of flags, environment and configuration. */
export function stepServices(invocation: Needed): StepServices {
  return {
    repository: (ctx) => openRepository(ctx, invocation),
    connection: async (name) => {
      const loaded = await invocation.loadConfig();
      const names = Object.keys(loaded.config.sources);
      if (!names.includes(name)) {
        throw new OperationError('not-found', `there is no source "${name}"`, { hint: nameHint(name, names) });
      }
      const flags = { host: undefined, port: undefined, user: undefined, database: undefined };
      const [source] = await selectSources(loaded, [name], flags);
      if (source !== undefined) return source.connection;
      throw new OperationError('not-found', `source "${name}" has no login`, { hint: 'it needs kind postgres' });
    },
    walAccess: async (ctx, plan, owner) =>
      composeRecoveryAccess(ctx, invocation, { repository: await openRepository(ctx, invocation), plan, owner }),
    restoreTables: (ctx, repository, request) => restoreTables(ctx, { invocation, repository, request }),
    postgresBinaries: async () => (await invocation.loadConfig()).config.postgresBinaries,
  };
}
