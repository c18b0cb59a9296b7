import type { Context } from '../../base/context.ts';
import { isOperationError, OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Proof } from '../../verify/proof.ts';
import { saveProof } from '../../verify/proofStore.ts';
import type { VerifiedSnapshot } from '../../verify/verifySnapshot.ts';
import type { Invocation } from '../command.ts';
import { lockWait } from '../openRepository.ts';
import { proofText } from './describeProof.ts';
import { verifyAndKeep } from './verifyAndKeep.ts';

export type Verify = (ctx: Context, repository: Repository) => Promise<VerifiedSnapshot>;

/**
 * Verifies, keeps the proof and prints it. Throws `verification-failed` for what is not good, and
 * `verification-inconclusive` for what could not be tested.
 */
export async function runVerification(
  ctx: Context,
  invocation: Invocation,
  { repository, verify }: { readonly repository: Repository; readonly verify: Verify },
): Promise<void> {
  const { printer, terminal } = invocation;
  const { proof, kept, object } = await verifyAndKeep(ctx, repository, {
    verify,
    keep: (made) => {
      printer.end(true);
      return keepProof(ctx, invocation, { repository, proof: made });
    },
    ...lockWait(invocation),
  });
  printer.result('proof', { ...proof, object, kept_sandbox: kept ?? null }, () => proofText(terminal, proof));
  if (kept !== undefined) printer.remark(`What was restored is in ${kept}; remove it when you are done.`);
  requirePassed(proof);
}

/** A repository that takes nothing more is no reason to lose the result. */
async function keepProof(
  ctx: Context,
  { printer }: Invocation,
  { repository, proof }: { readonly repository: Repository; readonly proof: Proof },
): Promise<string | null> {
  try {
    return await saveProof(ctx, repository, proof);
  } catch (error) {
    if (!isOperationError(error) || ctx.signal.aborted) throw error;
    printer.warn(`the proof is not kept in the repository: ${error.message}`);
    return null;
  }
}

function requirePassed({ verdict, checks, snapshot }: Proof): void {
  if (verdict === 'passed') return;
  const bad = checks.filter(({ status }) => status === verdict);
  const [first] = bad;
  const what = snapshot === null ? 'the repository' : `snapshot ${snapshot.id.slice(0, 8)}`;
  const where = bad.map(({ name }) => name).join(', ');
  const hint = first?.hint ?? 'see the lines marked with it above';
  if (verdict === 'failed') {
    throw new OperationError('verification-failed', `${what} was verified and is not good: ${where}`, {
      hint,
      detail: { checks: bad.map(({ name }) => name) },
    });
  }
  throw new OperationError('verification-inconclusive', `${what} could not be verified: ${first?.actual ?? where}`, {
    hint,
    detail: { checks: bad.map(({ name }) => name) },
  });
}
