import { hostname } from 'node:os';
import { z } from 'zod';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { formatLsn, tryParseLsn, type Lsn } from '../postgres/lsn.ts';
import { toTimelineId, type TimelineId } from '../postgres/timeline.ts';
import type { WalArchive } from './walArchive.ts';

/** WAL that a recovery may ask for: from here on, along every history that leads on from here. */
export interface LeasedWal {
  readonly timeline: TimelineId;
  readonly startLsn: Lsn;
}

/** What a recovery knows about its lease. */
export interface LeaseClaim extends LeasedWal {
  readonly id: string;
  /** The data directory that recovers, for whoever is told that WAL is held. */
  readonly destination: string;
}

/** A recovery's claim on archived WAL, renewed while it fetches, so that no prune takes from it what it replays. */
export interface WalLease extends LeaseClaim {
  readonly host: string;
  readonly renewed: Date;
}

export interface WalLeases {
  readonly leases: readonly WalLease[];
  /** Names of objects that nobody can read: which WAL they hold is not known. */
  readonly unreadable: readonly string[];
}

/** A lease that was not renewed for so long is over. */
export const leaseLifeMs = 24 * 3_600_000;

const schema = z.object({
  timeline: z.int().min(1).max(0xffff_ffff),
  startLsn: z.string(),
  destination: z.string(),
  host: z.string(),
  renewed: z.iso.datetime(),
});

/** Writes a lease, or writes it anew as of now. Throws what the backend throws where it cannot be written. */
export async function renewLease(ctx: Context, archive: WalArchive, claim: LeaseClaim): Promise<void> {
  const json = JSON.stringify({
    timeline: Number(claim.timeline),
    startLsn: formatLsn(claim.startLsn),
    destination: claim.destination,
    host: hostname(),
    renewed: ctx.clock.now().toISOString(),
  });
  await archive.backend.put(ctx, objectName(archive, claim.id), archive.codec.sealer.seal(Buffer.from(json)));
}

/** Ends a lease, if it is there. */
export function endLease(ctx: Context, archive: WalArchive, id: string): Promise<void> {
  return archive.backend.delete(ctx, objectName(archive, id));
}

/** All leases on the WAL of a cluster, those that are over too. */
export async function loadLeases(ctx: Context, archive: WalArchive): Promise<WalLeases> {
  const names: string[] = [];
  for await (const { name } of archive.backend.list(ctx, folder(archive))) names.push(name);
  const leases: WalLease[] = [];
  const unreadable: string[] = [];
  for (const name of names) {
    try {
      const json = archive.codec.sealer.open(await archive.backend.get(ctx, name)).toString('utf8');
      const lease = parseLease(name.slice(folder(archive).length), json);
      if (lease === undefined) unreadable.push(name);
      else leases.push(lease);
    } catch (error) {
      if (isOperationError(error, 'object-missing')) continue; // it has just ended
      if (!isOperationError(error, 'repository-damaged')) throw error;
      unreadable.push(name);
    }
  }
  return { leases, unreadable };
}

/** A claim as it lies beside the files of the recovering cluster. */
export function serializeClaim({ id, timeline, startLsn, destination }: LeaseClaim): Buffer {
  return Buffer.from(JSON.stringify({ id, timeline: Number(timeline), startLsn: formatLsn(startLsn), destination }));
}

/** Undefined for what is none. */
export function parseClaim(json: string): LeaseClaim | undefined {
  const parsed = z.object({ id: z.string(), ...claimShape }).safeParse(parseJson(json)).data;
  return parsed === undefined ? undefined : toClaim(parsed.id, parsed);
}

const claimShape = {
  timeline: schema.shape.timeline,
  startLsn: schema.shape.startLsn,
  destination: schema.shape.destination,
};

function parseLease(id: string, json: string): WalLease | undefined {
  const parsed = schema.safeParse(parseJson(json)).data;
  const claim = parsed === undefined ? undefined : toClaim(id, parsed);
  if (parsed === undefined || claim === undefined) return undefined;
  return { ...claim, host: parsed.host, renewed: new Date(parsed.renewed) };
}

function toClaim(id: string, parsed: { timeline: number; startLsn: string; destination: string }) {
  const startLsn = tryParseLsn(parsed.startLsn);
  if (startLsn === undefined) return undefined;
  return { id, timeline: toTimelineId(parsed.timeline), startLsn, destination: parsed.destination };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function objectName(archive: WalArchive, id: string): string {
  return `${folder(archive)}${id}`;
}

function folder(archive: WalArchive): string {
  return `understudy/wal-leases/${archive.systemIdentifier}/`;
}
