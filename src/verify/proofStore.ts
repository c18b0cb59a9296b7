import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { loadSealed, saveSealed } from '../repository/sealedStore.ts';
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
  await saveSealed(ctx, repository, { object, plain: serializeProof(proof) });
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
  const prefix = snapshot === undefined ? folder : `${folder}${snapshot}/`;
  const loaded = await loadSealed(ctx, repository, { prefix, parse: parseProof, onUnreadable });
  return loaded
    .map(({ object, value }) => ({ object, proof: value }))
    .sort((one, other) => (one.proof.startedAt < other.proof.startedAt ? 1 : -1));
}
