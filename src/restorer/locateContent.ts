import { toHex } from '../base/hex.ts';
import { idWords, plainLength } from '../repository/blobTable.ts';
import type { RepositoryIndex } from '../repository/download.ts';
import { idBytes, type BlobList } from '../snapshot/blobList.ts';

export interface LocatedContent {
  /** Entries of the chunks in the index's table of data blobs. */
  readonly entries: Uint32Array;
  /** Their plaintext together: the size of the file, whatever its node says, as restic sees it too. */
  readonly sizeBytes: number;
}

const words = new Uint32Array(8);

/** Looks up the chunks of a file; names the first blob, in hex, that no index lists. */
export function locateContent(index: RepositoryIndex, content: BlobList): LocatedContent | { missing: string } {
  const table = index.table('data');
  const ids = content.packed();
  const entries = new Uint32Array(ids.length / idBytes);
  let sizeBytes = 0;
  for (let chunk = 0; chunk < entries.length; chunk++) {
    const id = ids.subarray(chunk * idBytes, (chunk + 1) * idBytes);
    const entry = table.find(idWords(id, words));
    const location = entry < 0 ? undefined : table.location(entry);
    if (location === undefined) return { missing: toHex(id) };
    entries[chunk] = entry;
    sizeBytes += plainLength(location);
  }
  return { entries, sizeBytes };
}
