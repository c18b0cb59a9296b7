import type { PluginState } from '../../base/pluginState.ts';
import { exposureOf, newestUsable } from '../../monitor/exposure.ts';
import type { SourceFacts } from '../../monitor/facts.ts';
import { badFindings, worstOf } from '../../monitor/finding.ts';
import { nearlyReached } from '../../monitor/objectives.ts';
import { findingText, verdictSentence } from '../../monitor/verdict.ts';
import { plain, pluginLine } from './pluginLine.ts';
import type { Survey } from './survey.ts';

/** The state that a monitoring plugin ends with. What is only worth a line is no reason to call anybody. */
export function pluginStateOf({ findings }: Survey): PluginState {
  const worst = worstOf(findings);
  return worst === 'info' ? 'ok' : worst;
}

/**
 * What a plugin prints: state, verdict and performance data (age in s, size in B, exposure in s of each source, with
 * the limits), then each finding that is not good.
 */
export function pluginText(survey: Survey): string {
  const { findings, facts, now } = survey;
  const performance = facts.sources.flatMap((source) => performanceOf(source, survey));
  const details = badFindings(findings);
  return [
    pluginLine(pluginStateOf(survey), verdictSentence(findings, facts, now), performance),
    ...details.map((finding) => `${finding.severity.toUpperCase()} ${plain(findingText(finding))}`),
  ].join('\n');
}

function performanceOf(facts: SourceFacts, { objectives, now }: Survey): string[] {
  const newest = newestUsable(facts.backups, now);
  const exposure = exposureOf(facts, now);
  const objective = objectives?.get(facts.source);
  if (newest === undefined || exposure === undefined) return [];
  const rpoMs = objective?.tier?.rpoMs;
  const age = Math.max(0, now.getTime() - newest.time.getTime());
  return [
    `${facts.source}_age=${seconds(age)}s;${limit(objective?.maxAgeMs)};;0`,
    ...(newest.sizeBytes === undefined
      ? []
      : [`${facts.source}_size=${newest.sizeBytes}B;${atLeast(objective?.minSizeBytes)};;0`]),
    `${facts.source}_exposure=${seconds(exposure.lossMs)}s;${limit(rpoMs, nearlyReached)};${limit(rpoMs)};0`,
  ];
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 1000);
}

function limit(milliseconds: number | undefined, share = 1): string {
  return milliseconds === undefined ? '' : String(seconds(milliseconds * share));
}

/** As Nagios writes that less is a warning. */
function atLeast(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${bytes}:`;
}
