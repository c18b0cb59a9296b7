import type { Context } from '../../base/context.ts';
import { withLock, type LockWait } from '../../repository/lock.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Proof } from '../../verify/proof.ts';
import type { VerifiedSnapshot } from '../../verify/verifySnapshot.ts';

export interface KeptVerification extends LockWait {
  readonly verify: (ctx: Context, repository: Repository) => Promise<VerifiedSnapshot>;
  /** Stores the proof; resolves with the name of its object, or null. */
  readonly keep: (proof: Proof) => Promise<string | null>;
}

/** Verifies and stores the proof under one lock: who waits for it to forget or prune finds the result there. */
export function verifyAndKeep(
  ctx: Context,
  repository: Repository,
  { verify, keep, ...wait }: KeptVerification,
): Promise<VerifiedSnapshot & { readonly object: string | null }> {
  return withLock(ctx, repository, {
    ...wait,
    exclusive: false,
    run: async (locked) => {
      const verified = await verify(locked, repository);
      return { ...verified, object: await keep(verified.proof) };
    },
  });
}
