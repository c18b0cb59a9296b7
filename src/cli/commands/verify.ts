import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { parseDataSubset } from '../../repository/dataSubset.ts';
import type { Repository } from '../../repository/repository.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { findSnapshot } from '../../snapshot/snapshotSelector.ts';
import type { Level } from '../../verify/proof.ts';
import { loadProofs } from '../../verify/proofStore.ts';
import { verifyRepository } from '../../verify/verifyRepository.ts';
import type { VerifySnapshotOptions } from '../../verify/verifyOptions.ts';
import { verifySnapshot } from '../../verify/verifySnapshot.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { recoveryRequest } from '../restore/recoveryOptions.ts';
import { sandboxOptions } from '../restore/sandboxOptions.ts';
import type { verifySpec } from '../specs/verify.ts';
import { formatTable } from '../table.ts';
import { assertionsOf } from '../verify/assertionsOf.ts';
import { historyColumns } from '../verify/describeProof.ts';
import { runVerification, type Verify } from '../verify/runVerification.ts';

type VerifyInvocation = Invocation<typeof verifySpec>;

export const run: CommandRun<typeof verifySpec> = async (ctx, invocation) => {
  const { options } = invocation;
  if (options.history) return printHistory(ctx, invocation);
  const verify = options.wholeRepository ? wholeRepository(invocation) : oneSnapshot(await snapshotOptions(invocation));
  const repository = await openRepository(ctx, invocation);
  await runVerification(ctx, invocation, { repository, verify });
};

function oneSnapshot(options: VerifySnapshotOptions): Verify {
  return (ctx, repository) => verifySnapshot(ctx, repository, options);
}

function wholeRepository(invocation: VerifyInvocation): Verify {
  const { options, printer } = invocation;
  refuseForWhole(invocation);
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

/** What is about one backup must not seem to have been done. */
function refuseForWhole({ options, arguments: names }: VerifyInvocation): void {
  if (options.level !== undefined && Number(options.level) > 2) {
    throw new OperationError('usage', `--whole-repository goes to level 2 only, and --level is ${options.level}`, {
      hint: 'higher levels are about one backup: leave out --whole-repository',
    });
  }
  const aboutOne = {
    'a snapshot': names.length > 0,
    '--source': options.source !== undefined,
    'a recovery target': isTargeted(options),
    '--keep-sandbox': options.keepSandbox,
  };
  const excluded = Object.entries(aboutOne).find(([, isGiven]) => isGiven);
  if (excluded === undefined) return;
  throw new OperationError('usage', `--whole-repository and ${excluded[0]} exclude each other`, {
    hint: 'keep one of them',
  });
}

function isTargeted(options: VerifyInvocation['options']): boolean {
  const { target, timeline, inclusive } = recoveryRequest(options);
  return target.kind !== 'latest' || timeline !== 'latest' || !inclusive;
}

async function snapshotOptions(invocation: VerifyInvocation): Promise<VerifySnapshotOptions> {
  const { options, printer, arguments: names } = invocation;
  const { subset, source, threads } = options;
  const { config } = await invocation.loadConfig();
  const { programs = {}, ...sandbox } = await sandboxOptions(invocation, options.scratch);
  const binaries = options.postgresBinaries === undefined ? [] : [options.postgresBinaries];
  return {
    selector: { text: names[0] ?? 'latest', source },
    level: options.level === undefined ? undefined : (Number(options.level) as Level),
    assertionsOf: (name) => assertionsOf(config, name),
    target: isTargeted(options) ? recoveryRequest(options) : undefined,
    subset: subset === undefined ? undefined : parseDataSubset(subset),
    sandbox: {
      ...sandbox,
      programs: { ...programs, directories: [...binaries, ...(programs.directories ?? [])] },
    },
    keepSandbox: options.keepSandbox,
    threads,
    lock: lockWait(invocation),
    progress: printer.progress,
  };
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
