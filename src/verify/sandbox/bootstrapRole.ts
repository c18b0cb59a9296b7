import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of pg_authid, and of the role that initdb made, whatever it is called. */
const authidOid = 1260;
const bootstrapOid = 10;
const customary = 'postgres';

/**
 * Name of the superuser that initdb made, read from the files of a data directory: a server that does not run yet
 * cannot be asked, and not every cluster calls it postgres. The customary name when it cannot be found.
 */
export function readBootstrapRole(dataDirectory: string, blockBytes: number): string {
  const map = join(dataDirectory, 'global/pg_filenode.map');
  const fileNumber = existsSync(map) ? mappedFile(readFileSync(map), authidOid) : undefined;
  const file = join(dataDirectory, 'global', String(fileNumber ?? authidOid));
  if (!existsSync(file)) return customary;
  const names = [...rolesIn(readFileSync(file), blockBytes)].filter(({ oid }) => oid === bootstrapOid);
  return (names.findLast(({ live }) => live) ?? names.at(-1))?.name ?? customary;
}

/** relmapper.c: magic, count, then pairs of relation and file. */
function mappedFile(map: Buffer, oid: number): number | undefined {
  const count = map.readInt32LE(4);
  for (let at = 8; at < 8 + count * 8 && at + 8 <= map.length; at += 8) {
    if (map.readUInt32LE(at) === oid) return map.readUInt32LE(at + 4);
  }
  return undefined;
}

interface RoleTuple {
  readonly oid: number;
  readonly name: string;
  /** Nobody has deleted or replaced it, as far as the tuple itself tells. */
  readonly live: boolean;
}

/** Tuples of a heap whose first columns are an oid and a name (storage/bufpage.h, access/htup_details.h). */
function* rolesIn(heap: Buffer, blockBytes: number): Generator<RoleTuple> {
  const pointersAt = 24;
  const xmaxInvalid = 0x0800;
  for (let block = 0; block + blockBytes <= heap.length; block += blockBytes) {
    const page = heap.subarray(block, block + blockBytes);
    const lower = Math.min(page.readUInt16LE(12), blockBytes);
    for (let at = pointersAt; at + 4 <= lower; at += 4) {
      const pointer = page.readUInt32LE(at);
      const offset = pointer & 0x7fff;
      const normal = ((pointer >>> 15) & 3) === 1;
      if (!normal || offset + 96 > blockBytes) continue;
      const data = offset + page[offset + 22]!;
      if (data + 68 > blockBytes) continue;
      const end = page.indexOf(0, data + 4);
      yield {
        oid: page.readUInt32LE(data),
        name: page.toString('utf8', data + 4, Math.min(end, data + 68)),
        live: page.readUInt32LE(offset + 4) === 0 || (page.readUInt16LE(offset + 20) & xmaxInvalid) !== 0,
      };
    }
  }
}
