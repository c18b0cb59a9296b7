import { existsSync, readFileSync } from 'node:fs';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { parseEnvelope } from '../../recovery/envelope.ts';
import { parseEvidence } from '../../recovery/evidenceSchema.ts';
import { loadEvidence } from '../../recovery/evidenceStore.ts';
import { verifyChain, verifyReport, type EvidenceCheck } from '../../recovery/verifyEvidence.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { findEvidence } from '../evidence/chooseEvidence.ts';
import { envelopePath } from '../evidence/exportEvidence.ts';
import { publicKeys } from '../evidence/publicKeys.ts';
import { plural } from '../format.ts';
import { openRepository } from '../openRepository.ts';
import type { evidenceVerifySpec } from '../specs/evidence.ts';

type VerifyInvocation = Invocation<typeof evidenceVerifySpec>;

export const run: CommandRun<typeof evidenceVerifySpec> = async (ctx, invocation) => {
  const { printer, arguments: names } = invocation;
  const [what] = names;
  const isFile = what !== undefined && (what.includes('/') || what.endsWith('.json') || existsSync(what));
  const checks = isFile ? [await checkFile(invocation, what)] : await checkStored(ctx, invocation, what);
  for (const { id, problems, signed } of checks) {
    printer.result('evidence_check', { run: id, problems, signed }, () => {
      if (problems.length === 0) return `✔ ${id}: unchanged, ${signed ? 'signature right' : 'not signed'}`;
      return problems.map((problem) => `✘ ${id}: ${problem}`).join('\n');
    });
  }
  const bad = checks.filter(({ problems }) => problems.length > 0);
  if (bad.length > 0) {
    throw new OperationError(
      'evidence-invalid',
      `${plural(bad.length, 'report')} of ${checks.length} cannot be trusted`,
      {
        hint: 'compare with exports that were handed out, and find out who could write to the repository',
        detail: { runs: bad.map(({ id }) => id) },
      },
    );
  }
  if (checks.length === 0) return printer.remark('there is no evidence to check');
  printer.remark(`${plural(checks.length, 'report')} as they were made`);
};

async function checkStored(
  ctx: Context,
  invocation: VerifyInvocation,
  text: string | undefined,
): Promise<EvidenceCheck[]> {
  const keys = await publicKeys(invocation, invocation.options.publicKey);
  const damaged: EvidenceCheck[] = [];
  const all = await loadEvidence(ctx, await openRepository(ctx, invocation), (object, reason) => {
    damaged.push({ id: object, problems: [reason], signed: false });
  });
  const checks = verifyChain(all, keys);
  if (text === undefined) return [...checks, ...damaged];
  const { id } = findEvidence(all, text).original.report;
  return checks.filter((check) => check.id === id);
}

/** A report that was exported, with its signature beside it. */
async function checkFile(invocation: VerifyInvocation, path: string): Promise<EvidenceCheck> {
  const report = readFile(path);
  const evidence = parseEvidence(report);
  if (evidence === undefined) return { id: path, problems: ['it is no evidence that can be read'], signed: false };
  const beside = envelopePath(path);
  const envelope = existsSync(beside) ? parseEnvelope(readFile(beside)) : null;
  if (envelope === undefined) {
    return { id: evidence.report.id, problems: [`${beside} is no signature that can be read`], signed: false };
  }
  const keys = await publicKeys(invocation, invocation.options.publicKey);
  const check = verifyReport(evidence, { report, envelope, publicKeys: keys });
  if (check.signed || check.problems.length > 0) return check;
  return { ...check, problems: ['a report that is not signed can be checked in its repository only'] };
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new OperationError('file-missing', `cannot read ${path}`, { hint: 'is the name right?', cause });
  }
}
