import { writeFileAtomic } from '../../base/atomicFile.ts';
import { evidencePage } from '../../recovery/evidencePage.ts';
import type { CommandRun } from '../command.ts';
import { findEvidence, openEvidence } from '../evidence/chooseEvidence.ts';
import { storedText } from '../evidence/describeEvidence.ts';
import type { evidenceShowSpec } from '../specs/evidence.ts';

export const run: CommandRun<typeof evidenceShowSpec> = async (ctx, invocation) => {
  const { options, printer, arguments: names } = invocation;
  const { all } = await openEvidence(ctx, invocation);
  const found = findEvidence(all, names[0] ?? '');
  const { evidence, sha256 } = found;
  if (options.html !== undefined) {
    writeFileAtomic(options.html, Buffer.from(evidencePage(evidence)));
    printer.remark(`wrote ${options.html}`);
    return;
  }
  printer.result('evidence', { sha256, evidence }, () => storedText(found));
};
