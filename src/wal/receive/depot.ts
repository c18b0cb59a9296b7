import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../walArchive.ts';
import { claimArchive } from '../walClusters.ts';
import type { ArchiveWriter } from './archiveWriter.ts';
import { WalIntake } from './intake.ts';
import type { Troubles } from './persistence.ts';
import type { Spool } from './spool.ts';
import type { StopRequest } from './stopRequest.ts';

/** What received WAL goes through, once it is known of which cluster it is. */
export interface Depot {
  readonly systemIdentifier: SystemIdentifier;
  readonly segmentBytes: number;
  readonly archive: WalArchive;
  readonly writer: ArchiveWriter;
  readonly intake: WalIntake;
}

export interface DepotParts {
  readonly repository: Repository;
  readonly spool: Spool;
  readonly writer: ArchiveWriter;
  readonly stop: StopRequest;
  readonly troubles: Troubles;
  /** The cluster that the user named, which may share the repository with another one. */
  readonly namedCluster: SystemIdentifier | undefined;
  /** Called when the flushed position may have risen. */
  readonly onDurable: () => void;
}

/** Throws `cluster-mismatch` when the repository archives another cluster. */
export async function openDepot(
  ctx: Context,
  parts: DepotParts,
  cluster: { readonly systemIdentifier: SystemIdentifier; readonly segmentBytes: number },
): Promise<Depot> {
  const { repository, spool, writer, stop, troubles, onDurable } = parts;
  const { systemIdentifier, segmentBytes } = cluster;
  const archive = WalArchive.of(repository, systemIdentifier);
  await claimArchive(ctx, archive, { named: parts.namedCluster === systemIdentifier });
  await writer.serve(systemIdentifier);
  const onFailure = (error: unknown): void => stop.fail(error);
  const intake = new WalIntake(ctx, {
    spool,
    writer,
    troubles,
    systemIdentifier,
    segmentBytes,
    onDurable,
    onFailure,
  });
  return { systemIdentifier, segmentBytes, archive, writer, intake };
}

/** The cluster whose WAL an earlier receiver left in the spool, if any. */
export function spooledCluster(
  spool: Spool,
): { readonly systemIdentifier: SystemIdentifier; readonly segmentBytes: number } | undefined {
  const [first, ...others] = spool.recovered.map(({ segment }) => segment);
  for (const other of others) {
    if (other.systemIdentifier !== first?.systemIdentifier) {
      throw new OperationError('cluster-mismatch', 'the WAL spool holds WAL of more than one cluster', {
        hint: 'give each source a spool directory of its own, and remove this one once its WAL is not needed',
      });
    }
  }
  return first;
}

/** Stores what an earlier receiver left in the spool; the unfinished segment is then continued. */
export async function storeLeftovers({ writer, intake }: Depot, spool: Spool): Promise<void> {
  const unfinished = spool.recovered.filter(({ isFull }) => !isFull);
  const newest = unfinished.pop();
  const stored = spool.recovered
    .filter((buffer) => buffer !== newest)
    .map(async (buffer) => {
      await (buffer.isFull ? writer.storeSegment(buffer) : writer.storePartial(buffer, buffer.filledBytes));
      spool.release(buffer);
    });
  await Promise.all(stored);
  if (newest === undefined) return;
  intake.adopt(newest);
  await intake.refreshPartial();
}
