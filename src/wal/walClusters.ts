import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { damagedWalObject } from './walHeader.ts';
import type { WalArchive } from './walArchive.ts';

const folder = 'understudy/wal-clusters/';
const firstName = `${folder}first`;

/**
 * Allows a cluster to archive WAL into this repository. The first one is admitted and recorded; another one only when
 * `named`: whoever runs it has named this very system identifier, so that it is no accident. Cheap once recorded.
 * Throws `cluster-mismatch` for a second cluster that nobody named.
 */
export async function claimArchive(ctx: Context, archive: WalArchive, { named }: { named: boolean }): Promise<void> {
  const first = (await readFirst(ctx, archive)) ?? (await becomeFirst(ctx, archive));
  if (first === String(archive.systemIdentifier)) return;
  const own = `${folder}${archive.systemIdentifier}`;
  if ((await archive.backend.stat(ctx, own)) !== undefined) return;
  if (!named) throw secondCluster(archive, first);
  await archive.backend.put(ctx, own, sealRecord(archive, archive.systemIdentifier));
}

/** System identifiers of all clusters that were admitted, the first one first. */
export async function archivedClusters(
  ctx: Context,
  archive: Pick<WalArchive, 'backend' | 'codec'>,
): Promise<string[]> {
  const first = await readFirst(ctx, archive);
  const others: string[] = [];
  for await (const { name } of archive.backend.list(ctx, folder)) {
    if (name !== firstName) others.push(name.slice(folder.length));
  }
  return [...(first === undefined ? [] : [first]), ...others.filter((other) => other !== first).sort()];
}

async function readFirst(
  ctx: Context,
  { backend, codec }: Pick<WalArchive, 'backend' | 'codec'>,
): Promise<string | undefined> {
  let sealed: Buffer;
  try {
    sealed = await backend.get(ctx, firstName);
  } catch (error) {
    if (isOperationError(error, 'object-missing')) return undefined;
    throw error;
  }
  const text = codec.sealer.open(sealed).toString('utf8');
  const record = /^\{"systemIdentifier":"([0-9]{1,20})"\}$/.exec(text)?.[1];
  if (record === undefined) throw damagedWalObject(firstName, 'it names no cluster');
  return record;
}

/** One of several simultaneous first clusters wins. */
async function becomeFirst(ctx: Context, archive: WalArchive): Promise<string> {
  try {
    await archive.backend.put(ctx, firstName, sealRecord(archive, archive.systemIdentifier), { ifAbsent: true });
    return String(archive.systemIdentifier);
  } catch (error) {
    const winner = isOperationError(error, 'object-exists') ? await readFirst(ctx, archive) : undefined;
    if (winner === undefined) throw error;
    return winner;
  }
}

function sealRecord(archive: WalArchive, systemIdentifier: SystemIdentifier): Buffer {
  return archive.codec.sealer.seal(Buffer.from(JSON.stringify({ systemIdentifier: String(systemIdentifier) })));
}

function secondCluster(archive: WalArchive, first: string): OperationError {
  const own = String(archive.systemIdentifier);
  return new OperationError('cluster-mismatch', `this repository archives the WAL of cluster ${first}, not of ${own}`, {
    hint: `is this another server, or was it created anew (initdb, pg_upgrade)? if both belong here, say --cluster ${own}`,
    detail: { found: own, expected: first },
  });
}
