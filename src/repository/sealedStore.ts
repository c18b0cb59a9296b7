import type { Context } from '../base/context.ts';
import { forEachConcurrently } from '../base/concurrency.ts';
import { isOperationError } from '../base/errors.ts';
import type { Repository } from './repository.ts';
import { ObjectSealer } from './sealedObject.ts';

/** Years of them, each a journey to the storage. */
const loadConcurrency = 16;

/** A document of another folder, and the name of the object that holds it. */
export interface SealedDocument<Value> {
  readonly object: string;
  readonly value: Value;
}

export interface LoadSealedOptions<Value> {
  /** Names that begin so. */
  readonly prefix: string;
  /** Undefined for what this version cannot read. */
  readonly parse: (plain: Buffer) => Value | undefined;
  /** Called for an object that is damaged or that this version cannot read; it is left out. */
  readonly onUnreadable: (object: string, reason: string) => void;
}

/** Stores a document, sealed, under a name that was never used: it is not replaced. Throws `object-exists`. */
export async function saveSealed(
  ctx: Context,
  repository: Repository,
  { object, plain }: { readonly object: string; readonly plain: Uint8Array },
): Promise<void> {
  const sealed = new ObjectSealer(repository.masterKey).seal(plain);
  await repository.backend.put(ctx, object, sealed, { ifAbsent: true });
}

/** All documents whose names begin so, by name. */
export async function loadSealed<Value>(
  ctx: Context,
  repository: Repository,
  { prefix, parse, onUnreadable }: LoadSealedOptions<Value>,
): Promise<SealedDocument<Value>[]> {
  const sealer = new ObjectSealer(repository.masterKey);
  const found: SealedDocument<Value>[] = [];
  const objects: string[] = [];
  for await (const { name } of repository.backend.list(ctx, prefix)) objects.push(name);
  await forEachConcurrently(objects, loadConcurrency, async (object) => {
    ctx.signal.throwIfAborted();
    try {
      const value = parse(sealer.open(await repository.backend.get(ctx, object)));
      if (value === undefined) onUnreadable(object, 'this version cannot read what it holds');
      else found.push({ object, value });
    } catch (error) {
      if (!isOperationError(error, 'repository-damaged', 'object-missing')) throw error;
      onUnreadable(object, error.message);
    }
  });
  return found.toSorted((one, other) => (one.object < other.object ? -1 : 1));
}
