import { parseSize } from '../base/bytes.ts';
import { OperationError } from '../base/errors.ts';

/** Which packs a check of the data reads. */
export type DataSubset =
  | { readonly kind: 'all' }
  /** Those whose first id byte leaves `part - 1` when divided by `parts`: all parts together read everything. */
  | { readonly kind: 'part'; readonly part: number; readonly parts: number }
  /** That share of the packs, chosen at random. */
  | { readonly kind: 'percent'; readonly percent: number }
  /** Packs chosen at random until they have this size. */
  | { readonly kind: 'bytes'; readonly bytes: number };

export interface PackSize {
  readonly id: string;
  readonly sizeBytes: number;
}

const maxParts = 256;

/** Reads `1/5`, `2.5%` or `10G`, as restic does. Throws `usage`. */
export function parseDataSubset(text: string): DataSubset {
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (part !== undefined) {
    const subset = { kind: 'part', part: Number(part), parts: Number(parts) } as const;
    if (subset.part >= 1 && subset.part <= subset.parts && subset.parts <= maxParts) return subset;
    throw notASubset(text, `part and number of parts: 1/5 to 5/5, at most ${maxParts} parts`);
  }
  const [, share] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (share !== undefined) {
    const percent = Number(share);
    if (percent > 0 && percent <= 100) return { kind: 'percent', percent };
    throw notASubset(text, 'a share above 0% and up to 100%');
  }
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes > 0) return { kind: 'bytes', bytes };
  throw notASubset(text, 'a part 1/5, a share 2.5% or a size 10G');
}

/** The packs that a subset stands for; `random` is uniform in [0, 1). A random subset holds at least one pack. */
export function selectPacks(packs: readonly PackSize[], subset: DataSubset, random: () => number): PackSize[] {
  switch (subset.kind) {
    case 'all':
      return [...packs];
    case 'part':
      return packs.filter(({ id }) => Number.parseInt(id.slice(0, 2), 16) % subset.parts === subset.part - 1);
    case 'percent':
      return shuffle(packs, random).slice(0, Math.max(1, Math.floor((packs.length * subset.percent) / 100)));
    case 'bytes': {
      let bytes = 0;
      return shuffle(packs, random).filter(({ sizeBytes }) => {
        if (bytes >= subset.bytes) return false;
        bytes += sizeBytes;
        return true;
      });
    }
  }
}

function shuffle(packs: readonly PackSize[], random: () => number): PackSize[] {
  const shuffled = [...packs];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [shuffled[at], shuffled[other]] = [shuffled[other] as PackSize, shuffled[at] as PackSize];
  }
  return shuffled;
}

function notASubset(text: string, hint: string): OperationError {
  return new OperationError('usage', `${JSON.stringify(text)} is no part of the data`, { hint });
}
