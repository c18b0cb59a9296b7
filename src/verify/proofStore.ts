import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import { ObjectSealer } from '../repository/sealedObject.ts';
import { parseProof, serializeProof, type Proof } from './proof.ts';

const folder = 'understudy/proofs/';
/** Stands for the id where a whole repository was verified. */
const wholeRepository = 'repository';

/** A proof and the name of the object that holds it. */
export interface StoredProof {
  readonly object: string;
  readonly proof: Proof;
}

/** Stores a proof, sealed, beside the backups; returns the object's name. Proofs are never replaced. */
export async function saveProof(ctx: Context, repository: Repository, proof: Proof): Promise<string> {
  const time = proof.startedAt.replaceAll(/[-:.]/g, '');
  const object = `${folder}${proof.snapshot?.id ?? wholeRepository}/${time}.json`;
  const sealed = new ObjectSealer(repository.masterKey).seal(serializeProof(proof));
  await repository.backend.put(ctx, object, sealed, { ifAbsent: true });
  return object;
}

export interface LoadProofsOptions {
  /** Of this snapshot, by its whole id; default all. */
  readonly snapshot?: string | undefined;
  /** Called for an object that is damaged or that this version cannot read; it is left out. */
  readonly onUnreadable: (object: string, reason: string) => void;
}

/** All proofs, newest first. */
export async function loadProofs(
  ctx: Context,
  repository: Repository,
  { snapshot, onUnreadable }: LoadProofsOptions,
): Promise<StoredProof[]> {
  const sealer = new ObjectSealer(repository.masterKey);
  const proofs: StoredProof[] = [];
  const prefix = snapshot === undefined ? folder : `${folder}${snapshot}/`;
  for await (const { name: object } of repository.backend.list(ctx, prefix)) {
    try {
      const proof = parseProof(sealer.open(await repository.backend.get(ctx, object)));
      if (proof === undefined) onUnreadable(object, 'it is no proof that this version can read');
      else proofs.push({ object, proof });
    } catch (error) {
      if (!isOperationError(error, 'repository-damaged', 'object-missing')) throw error;
      onUnreadable(object, error.message);
    }
  }
  return proofs.sort((one, other) => (one.proof.startedAt < other.proof.startedAt ? 1 : -1));
}
