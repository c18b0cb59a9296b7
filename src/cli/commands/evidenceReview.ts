import { OperationError } from '../../base/errors.ts';
import type { Evidence } from '../../recovery/evidenceSchema.ts';
import { amendEvidence } from '../../recovery/evidenceStore.ts';
import type { CommandRun } from '../command.ts';
import { findEvidence, openEvidence } from '../evidence/chooseEvidence.ts';
import { actor } from '../plan/runPlaces.ts';
import type { evidenceReviewSpec } from '../specs/evidence.ts';

export const run: CommandRun<typeof evidenceReviewSpec> = async (ctx, invocation) => {
  const { printer, arguments: names } = invocation;
  const { reviewer, decision, comment = '' } = invocation.options;
  if (reviewer === undefined || written(reviewer) === '' || decision === undefined) {
    throw new OperationError('usage', 'a review needs --reviewer and --decision', {
      hint: 'say who has looked at it, and whether it is accepted',
    });
  }
  const { repository, all } = await openEvidence(ctx, invocation);
  const found = findEvidence(all, names[0] ?? '');
  const { id } = found.evidence.report;
  if (hasActed(found.evidence, reviewer)) {
    throw new OperationError('usage', `${reviewer} took part in ${id}, and cannot review it`, {
      hint: 'a review takes a second pair of eyes: ask somebody else',
    });
  }
  const at = ctx.clock.now().toISOString();
  const review = { by: reviewer, decision, comment, at };
  await amendEvidence(ctx, repository, { to: found, kind: 'review', by: actor({ by: undefined }), review });
  printer.result('evidence_reviewed', { run: id, ...review }, () => `${id}: ${decision} by ${reviewer}`);
};

/** However somebody writes their name: blanks, case, what cannot be seen, and letters in several codes. */
function written(name: string): string {
  const seen = name.normalize('NFKC').replaceAll(/\p{Cf}/gu, '');
  return seen.trim().replaceAll(/\s+/g, ' ').toLowerCase();
}

function hasActed({ people }: Evidence, reviewer: string): boolean {
  return people.participants.some(({ name }) => written(name) === written(reviewer));
}
