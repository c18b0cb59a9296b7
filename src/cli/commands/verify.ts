import type { Context } from '../../base/context.ts';
import { isOperationError, OperationError } from '../../base/errors.ts';
import { parseDataSubset } from '../../repository/dataSubset.ts';
import type { Repository } from '../../repository/repository.ts';
import { parseRecoveryTarget } from '../../restore/recoveryTarget.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { findSnapshot } from '../../snapshot/snapshotSelector.ts';
import type { Level, Proof } from '../../verify/proof.ts';
import { loadProofs, saveProof } from '../../verify/proofStore.ts';
import { verifyRepository } from '../../verify/verifyRepository.ts';
import type { VerifySnapshotOptions } from '../../verify/verifyOptions.ts';
import { verifySnapshot, type VerifiedSnapshot } from '../../verify/verifySnapshot.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import type { verifySpec } from '../specs/verify.ts';
import { formatTable } from '../table.ts';
import { assertionsOf } from '../verify/assertionsOf.ts';
import { historyColumns, proofText } from '../verify/describeProof.ts';
import { verifyAndKeep } from '../verify/verifyAndKeep.ts';

type VerifyInvocation = Invocation<typeof verifySpec>;

export const run: CommandRun<typeof verifySpec> = async (ctx, invocation) => {
  const { printer, terminal, options } = invocation;
  if (options.history) return printHistory(ctx, invocation);
  const verify = options.wholeRepository ? wholeRepository(invocation) : oneSnapshot(await snapshotOptions(invocation));
  const repository = await openRepository(ctx, invocation);
  const { proof, kept, object } = await verifyAndKeep(ctx, repository, {
    verify,
    keep: (made) => {
      printer.end(true);
      return keepProof(ctx, invocation, { repository, proof: made });
    },
    ...lockWait(invocation),
  });
  printer.result('proof', { ...proof, object, kept_sandbox: kept ?? null }, () => proofText(terminal, proof));
  if (kept !== undefined) printer.remark(`The recovered cluster is in ${kept}; remove it when you are done.`);
  requirePassed(proof);
};

type Verify = (ctx: Context, repository: Repository) => Promise<VerifiedSnapshot>;

function oneSnapshot(options: VerifySnapshotOptions): Verify {
  return (ctx, repository) => verifySnapshot(ctx, repository, options);
}

function wholeRepository(invocation: VerifyInvocation): Verify {
  const { options, printer, arguments: names } = invocation;
  if (names.length > 0) {
    throw new OperationError('usage', '--whole-repository and a snapshot exclude each other', {
      hint: 'keep one of them',
    });
  }
  const { subset, threads } = options;
  const verification = {
    level: options.level === '1' ? (1 as const) : (2 as const),
    ...(subset === undefined ? {} : { subset: parseDataSubset(subset) }),
    threads,
    lock: lockWait(invocation),
    progress: printer.progress,
  };
  return async (ctx, repository) => ({ proof: await verifyRepository(ctx, repository, verification) });
}

async function snapshotOptions(invocation: VerifyInvocation): Promise<VerifySnapshotOptions> {
  const { options, printer, arguments: names } = invocation;
  const { at, lsn, immediate, subset, source, threads } = options;
  const { config } = await invocation.loadConfig();
  const isTargeted = at !== undefined || lsn !== undefined || immediate;
  const target = parseRecoveryTarget({ time: at, lsn, immediate });
  // the default of the configuration is tried anyhow, and need not exist
  const user = process.getuid?.() === 0 && config.verify.user !== 'postgres' ? config.verify.user : undefined;
  const binaries = options.postgresBinaries === undefined ? [] : [options.postgresBinaries];
  return {
    selector: { text: names[0] ?? 'latest', source },
    level: options.level === undefined ? undefined : (Number(options.level) as Level),
    assertionsOf: (name) => assertionsOf(config, name),
    target: isTargeted ? { target, inclusive: true, timeline: 'latest' } : undefined,
    subset: subset === undefined ? undefined : parseDataSubset(subset),
    sandbox: {
      scratch: options.scratch ?? config.verify.directory,
      programs: { directories: [...binaries, ...config.postgresBinaries] },
      user,
    },
    keepSandbox: options.keepSandbox,
    threads,
    lock: lockWait(invocation),
    progress: printer.progress,
  };
}

/** A repository that takes nothing more is no reason to lose the result. */
async function keepProof(
  ctx: Context,
  { printer }: VerifyInvocation,
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

async function printHistory(ctx: Context, invocation: VerifyInvocation): Promise<void> {
  const { printer, terminal, arguments: names, options } = invocation;
  const repository = await openRepository(ctx, invocation);
  const [text] = names;
  const snapshot = text === undefined ? undefined : await idOf(ctx, repository, text);
  const loaded = await loadProofs(ctx, repository, {
    snapshot,
    onUnreadable: (object, reason) => printer.warn(`${object}: ${reason}`),
  });
  const { source } = options;
  const proofs = loaded.filter(({ proof }) => source === undefined || proof.snapshot?.source === source);
  if (printer.json) for (const { object, proof } of proofs) printer.result('proof', { ...proof, object }, () => '');
  else if (proofs.length > 0) printer.result('proofs', {}, () => formatTable(terminal, historyColumns, proofs));
  else printer.remark('nothing has been proved yet');
}

/** A proof may outlive its snapshot, so a whole id need not be one of a snapshot. */
async function idOf(ctx: Context, repository: Repository, text: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  return (await findSnapshot(ctx, snapshotSource(repository), { text })).id;
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
