import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { OperationError } from '../../base/errors.ts';
import { receiveWal } from '../../wal/receiveWal.ts';
import type { CommandRun } from '../command.ts';
import { openRepository } from '../openRepository.ts';
import { selectSources, type PostgresSource } from '../postgresSource.ts';
import type { walReceiveSpec } from '../specs/walReceive.ts';
import { reportReceiving, statusFields, summaryText } from '../wal/reportReceiving.ts';

export const run: CommandRun<typeof walReceiveSpec> = async (ctx, invocation) => {
  const { options, arguments: names, printer, terminal } = invocation;
  const { host, port, user, database, cluster, partialInterval, stopAtLsn } = options;
  const sources = await selectSources(await invocation.loadConfig(), names, { host, port, user, database });
  const source = onlyOne(sources);
  const { wal } = source.config;
  const until = options.untilCaughtUp ? 'caught-up' : stopAtLsn;
  const repository = await openRepository(ctx, invocation);
  const status = await receiveWal(ctx, {
    repository,
    connection: source.connection,
    slot: options.slot ?? wal.receive.slot,
    spoolDirectory: spoolOf(source, options.spool),
    recreateLostSlot: options.recreateSlot,
    onStatus: reportReceiving(printer, terminal),
    ...(cluster === undefined ? {} : { cluster }),
    ...(until === undefined ? {} : { until }),
    ...(partialInterval === undefined ? {} : { partialIntervalMs: partialInterval }),
  });
  printer.end(true);
  printer.result('summary', statusFields(status), () => summaryText(status));
};

function onlyOne(sources: readonly PostgresSource[]): PostgresSource {
  const [source, ...others] = sources;
  if (source !== undefined && others.length === 0) return source;
  throw new OperationError('usage', `${sources.length} sources are configured, and one receiver serves one of them`, {
    hint: `name it: understudy wal receive ${sources[0]?.name}; run one receiver for each`,
  });
}

/** A folder of its own in the spool directory, which `wal push` may use too. */
function spoolOf({ name, config }: PostgresSource, flag: string | undefined): string {
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  const directory = flag ?? config.wal.spoolDirectory ?? join(state, 'understudy', 'spool', name);
  return join(resolve(directory), 'receive');
}
