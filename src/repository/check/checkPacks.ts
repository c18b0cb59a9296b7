import type { PackListing } from '../packListing.ts';
import { packObjectName } from '../pack/packSink.ts';
import type { CheckedIndex } from './checkIndex.ts';
import type { Findings } from './findings.ts';

const fromCopy = 'restore the pack from a copy of the repository; else back up again and forget what needs it';
const harmless = 'left by an interrupted backup or being uploaded now; `understudy prune` removes it';

/**
 * Compares the packs that are there with those that the index knows. Returns the ids that both know, of the right size.
 */
export function checkPacks({ packs }: CheckedIndex, listing: PackListing, findings: Findings): string[] {
  const sound: string[] = [];
  for (const [id, record] of packs) {
    const found = listing.sizes.get(id);
    if (found === undefined) findings.error(packObjectName(id), 'is missing', fromCopy);
    else if (found !== record.sizeBytes) {
      const problem = `has ${found} bytes, and by the index it must have ${record.sizeBytes}`;
      findings.error(packObjectName(id), problem, fromCopy);
    } else sound.push(id);
  }
  for (const id of listing.sizes.keys()) {
    if (!packs.has(id)) findings.hint(packObjectName(id), 'is in no index', harmless);
  }
  for (const name of listing.misplaced) {
    findings.hint(name, 'has the name of a pack and is not where packs are', 'who put it there? move it elsewhere');
  }
  return sound;
}
