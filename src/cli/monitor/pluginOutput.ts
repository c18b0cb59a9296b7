import type { PluginState } from '../../base/pluginState.ts';
import { exposureOf, newestUsable } from '../../monitor/exposure.ts';
import type { SourceFacts } from '../../monitor/facts.ts';
import { badFindings, worstOf } from '../../monitor/finding.ts';
import { expectedSources, factsOf } from '../../monitor/judge.ts';
import { nearlyReached, type SourceObjectives } from '../../monitor/objectives.ts';
import { findingText, verdictSentence } from '../../monitor/verdict.ts';
import { performanceLabel, plain, pluginLine } from './pluginLine.ts';
import type { Survey } from './survey.ts';

interface JudgedSource {
  readonly facts: SourceFacts;
  readonly objective: SourceObjectives;
}

/** The state that a monitoring plugin ends with. What is only worth a line is no reason to call anybody. */
export function pluginStateOf({ findings }: Survey): PluginState {
  const worst = worstOf(findings);
  return worst === 'info' ? 'ok' : worst;
}

/**
 * What a plugin prints: state, verdict and performance data (age in s, size in B, exposure in s of each source that is
 * judged, with the limits), then each finding that is not good.
 */
export function pluginText(survey: Survey): string {
  const { findings } = survey;
  const performance = judgedSources(survey).flatMap((each) => performanceOf(each, survey.now));
  const details = badFindings(findings);
  return [
    pluginLine(pluginStateOf(survey), verdictSentence(findings), performance),
    ...details.map((finding) => `${finding.severity.toUpperCase()} ${plain(findingText(finding))}`),
  ].join('\n');
}

function judgedSources({ facts, objectives }: Survey): JudgedSource[] {
  return [...expectedSources(facts, objectives)].flatMap(([name, objective]) => {
    const found = factsOf(facts, name, objective);
    return found === undefined ? [] : [{ facts: found, objective }];
  });
}

function performanceOf({ facts, objective }: JudgedSource, now: Date): string[] {
  const newest = newestUsable(facts.backups, now);
  if (newest === undefined) return [];
  const exposure = exposureOf(facts, now);
  const rpoMs = objective.tier?.rpoMs;
  const label = (figure: string): string => performanceLabel(`${facts.source}_${figure}`);
  const values = [
    `${label('age')}=${seconds(Math.max(0, now.getTime() - newest.time.getTime()))}s;${limit(objective.maxAgeMs)};;0`,
  ];
  if (newest.sizeBytes !== undefined) {
    values.push(`${label('size')}=${newest.sizeBytes}B;${atLeast(objective.minSizeBytes)};;0`);
  }
  if (exposure !== undefined) {
    const limits = `${limit(rpoMs, nearlyReached)};${limit(rpoMs)}`;
    values.push(`${label('exposure')}=${seconds(exposure.lossMs)}s;${limits};0`);
  }
  return values;
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
