import type { Context } from '../../base/context.ts';
import { isOperationError, OperationError } from '../../base/errors.ts';
import type { LoadedConfig } from '../../config/loadConfig.ts';
import { nameHint } from '../../config/nearestName.ts';
import type { RepositoryFacts } from '../../monitor/facts.ts';
import type { Finding } from '../../monitor/finding.ts';
import { gatherFacts, type GatherOptions } from '../../monitor/gatherFacts.ts';
import { judge } from '../../monitor/judge.ts';
import type { SourceObjectives } from '../../monitor/objectives.ts';
import type { ServerAnswer } from '../../monitor/serverFacts.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import { readWalServerStatus } from '../../wal/walServerStatus.ts';
import type { Invocation } from '../command.ts';
import { policyOfConfig, sourcePoliciesOfConfig } from '../forget/policy.ts';
import { openRepository } from '../openRepository.ts';
import { prepareSource } from '../postgresSource.ts';
import { objectivesOfConfig } from './expectations.ts';

/** What was found and what is to be said of it, at one moment. */
export interface Survey {
  readonly now: Date;
  readonly facts: RepositoryFacts;
  readonly findings: readonly Finding[];
  /** Undefined when no source is configured. */
  readonly objectives: ReadonlyMap<string, SourceObjectives> | undefined;
}

type SurveyInvocation = Pick<
  Invocation,
  'arguments' | 'global' | 'loadConfig' | 'repositorySettings' | 'repositoryPassword'
>;

/** A plugin that waits for a server that hangs is a plugin that is killed. */
const answerWithinMs = 5000;
const noFlags = { host: undefined, port: undefined, user: undefined, database: undefined };

/**
 * Looks at the repository and the servers of the named sources (default all), and judges. Throws
 * `not-found`.
 */
export async function survey(
  ctx: Context,
  invocation: SurveyInvocation,
  extent: Pick<GatherOptions, 'newest' | 'brief'>,
): Promise<Survey> {
  const names = invocation.arguments;
  const loaded = await invocation.loadConfig();
  const { config } = loaded;
  const objectives = objectivesOfConfig(config);
  const repository = await openRepository(ctx, invocation);
  const sources = names.length === 0 ? undefined : new Set(names);
  const [common, own] = [policyOfConfig(config), sourcePoliciesOfConfig(config)];
  const facts = await gatherFacts(ctx, repository, {
    sources,
    ...extent,
    policyOf: (source) => own.get(source) ?? common,
    askServer: (source) => askServer(ctx, loaded, source),
  });
  const known = [...(objectives?.keys() ?? []), ...facts.sources.map(({ source }) => source)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new OperationError('not-found', `there is no source "${unknown}", neither configured nor in the repository`, {
      hint: nameHint(unknown, known),
    });
  }
  const now = ctx.clock.now();
  return { now, facts, findings: judge(facts, { objectives, sources }, now), objectives };
}

/** A server that cannot be asked is no finding about backups: what is archived counts then. */
async function askServer(ctx: Context, { config }: LoadedConfig, name: string): Promise<ServerAnswer | undefined> {
  const source = config.sources[name];
  if (source?.kind !== 'postgres') return undefined;
  const [late, over] = [new AbortController(), new AbortController()];
  ctx.clock.sleep(answerWithinMs, over.signal).then(
    () => late.abort(),
    () => undefined,
  );
  try {
    const { connection } = await prepareSource(name, source, noFlags);
    const asking = { ...ctx, signal: AbortSignal.any([ctx.signal, late.signal]) };
    await using session = await openSqlConnection(asking, connection);
    return await readWalServerStatus(session);
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (late.signal.aborted) return { unreachable: `no answer within ${answerWithinMs / 1000} s` };
    if (!isOperationError(error)) throw error;
    return { unreachable: error.message };
  } finally {
    over.abort();
  }
}
