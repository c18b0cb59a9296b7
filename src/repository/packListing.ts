import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import { isId } from '../base/hex.ts';
import { packObjectName } from './pack/packSink.ts';

/** What is below `data/`. */
export interface PackListing {
  /** Size in bytes of each pack that is where a pack belongs, by id. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Objects that have a pack's name in another place. Stock restic takes them for packs, and cannot read them. */
  readonly misplaced: readonly string[];
  /** Objects that no client looks at. */
  readonly strays: readonly string[];
}

/** Lists all packs. Whoever compares them with the index lists them after it was loaded: packs come before index. */
export async function listPacks(ctx: Context, backend: Backend): Promise<PackListing> {
  const sizes = new Map<string, number>();
  const misplaced: string[] = [];
  const strays: string[] = [];
  for await (const { name, sizeBytes } of backend.list(ctx, 'data/')) {
    const id = name.slice(name.lastIndexOf('/') + 1);
    if (!isId(id)) strays.push(name);
    else if (name === packObjectName(id)) sizes.set(id, sizeBytes);
    else misplaced.push(name);
  }
  return { sizes, misplaced, strays };
}
