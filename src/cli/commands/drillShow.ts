import { writeFileAtomic } from '../../base/atomicFile.ts';
import { evidencePage } from '../../recovery/evidencePage.ts';
import { findRun } from '../../recovery/runDirectory.ts';
import type { CommandRun } from '../command.ts';
import { evidenceText } from '../plan/describeRun.ts';
import { evidenceOf } from '../plan/listRuns.ts';
import { runsDirectory } from '../plan/runPlaces.ts';
import type { drillShowSpec } from '../specs/drill.ts';

export const run: CommandRun<typeof drillShowSpec> = async (_ctx, invocation) => {
  const { printer, options, arguments: names } = invocation;
  const evidence = await evidenceOf(invocation, findRun(runsDirectory(options), names[0] ?? ''));
  const texts = {
    text: () => evidenceText(evidence),
    json: () => JSON.stringify(evidence, null, 2),
    html: () => evidencePage(evidence),
  };
  const text = texts[options.format];
  if (options.output === undefined) return printer.result('evidence', { evidence }, text);
  writeFileAtomic(options.output, Buffer.from(`${text()}\n`));
  printer.remark(`wrote ${options.output}`);
};
