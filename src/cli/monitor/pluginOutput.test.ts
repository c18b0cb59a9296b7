import { expect, test } from 'vitest';
import { ago, backup, dayMs, expecting, now, repositoryFacts, sourceFacts } from '../../testing/monitorFacts.ts';
import type { SourceFacts } from '../../monitor/facts.ts';
import { judge } from '../../monitor/judge.ts';
import { pluginText } from './pluginOutput.ts';
import { statusText } from './statusText.ts';
import { surveyFields } from './surveyFields.ts';
import type { Survey } from './survey.ts';

function surveyOf(objectives: Survey['objectives'], ...sources: readonly SourceFacts[]): Survey {
  const facts = repositoryFacts(...sources);
  return { now, facts, objectives, findings: judge(facts, { objectives, sources: undefined }, now) };
}

const plainTerminal = { color: false, interactive: false, width: 80 };

test('a source that a stranger named neither breaks the figures nor steers the terminal', () => {
  const source = "it's = a|b\x1b[2J\x9b2J\nOK";
  const survey = surveyOf(undefined, sourceFacts({ source, held: 'shrank\x07' }));
  const text = pluginText(survey);
  // oxlint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(text).toContain(` | 'it''s _ a/b\\u001b[2J\\u009b2J OK_age'=3600s;93600;;0 '`);
  expect(text.split('\n')[0]?.split('|')).toHaveLength(2);
  // oxlint-disable-next-line no-control-regex
  expect(statusText(survey, { terminal: plainTerminal, last: undefined })).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test('backups of another kind under the same name have neither its limits nor its labels', () => {
  const old = sourceFacts({ source: 'app', kind: 'dump', backups: [backup({ time: ago(90 * dayMs) })] });
  const survey = surveyOf(expecting('app'), old, sourceFacts());
  expect(pluginText(survey).match(/app_age=/g)).toHaveLength(1);
  expect(pluginText(survey)).toContain('app_age=3600s;93600;;0');
  expect(surveyFields(survey)['sources']).toMatchObject([{ configured: false }, { configured: true }]);
  const report = statusText(survey, { terminal: plainTerminal, last: undefined });
  expect(report).toMatch(/^app \(dump, not configured here\) {2}not judged$/m);
  expect(report).toMatch(/^app \(files\) {2}OK$/m);
});

test('without an exposure the other figures stay', () => {
  const server = { isAnotherCluster: true, archivingFails: undefined };
  const text = pluginText(surveyOf(undefined, sourceFacts({ kind: 'postgres', server })));
  expect(text).toMatch(
    /^UNDERSTUDY CRITICAL - app: the server holds another cluster .*\| app_age=.* app_size=\d+B\S+\n/,
  );
});
