import { expect, test } from 'vitest';
import { parseLsn } from '../postgres/lsn.ts';
import { parseSystemIdentifier } from '../postgres/systemIdentifier.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { serverFacts } from './serverFacts.ts';

const systemIdentifier = parseSystemIdentifier('7123456789012345678');
const segmentBytes = 16 * 1024 * 1024;

function archived(lsn: string, timeline = 1) {
  const newest = { lsn: parseLsn(lsn), timeline: toTimelineId(timeline), storedAt: new Date() };
  return { systemIdentifier, segmentBytes, newest };
}

function server(lsn: string, more: { timeline?: number; archiveMode?: string; archiveTimeoutMs?: number } = {}) {
  const { timeline = 1, archiveMode = 'on', archiveTimeoutMs = 60_000 } = more;
  return {
    systemIdentifier,
    isStandby: false,
    currentLsn: parseLsn(lsn),
    timeline: toTimelineId(timeline),
    archiveMode,
    archiveTimeoutMs,
  };
}

test('what the server has not written cannot be lost', () => {
  expect(serverFacts(archived('0/5000100'), server('0/5000100'))).toEqual({ state: 'all-archived' });
  expect(serverFacts(archived('0/6000000'), server('0/5000100'))).toEqual({ state: 'all-archived' });
});

test('with archive_timeout what is not archived is younger, once all segments before the present one are', () => {
  const atMost = { state: 'at-most', archiveTimeoutMs: 60_000 };
  expect(serverFacts(archived('0/5000000'), server('0/5000100'))).toEqual(atMost);
  expect(serverFacts(archived('0/4000000'), server('0/5000100'))).toEqual({ state: 'behind' });
  expect(serverFacts(archived('0/5000000'), server('0/5000100', { archiveTimeoutMs: 0 }))).toEqual({ state: 'behind' });
  expect(serverFacts(archived('0/5000000'), server('0/5000100', { archiveMode: 'off' }))).toEqual({ state: 'behind' });
});

test('another cluster, another timeline, a standby, no answer and no WAL say nothing', () => {
  const other = { ...server('0/5000100'), systemIdentifier: parseSystemIdentifier('7123456789012345679') };
  expect(serverFacts(archived('0/6000000'), other)).toEqual({ state: 'behind' });
  expect(serverFacts(archived('0/6000000'), server('0/5000100', { timeline: 2 }))).toEqual({ state: 'behind' });
  expect(serverFacts({ ...archived('0/1000000'), newest: undefined }, server('0/5000100'))).toEqual({
    state: 'behind',
  });
  expect(serverFacts(archived('0/6000000'), undefined)).toEqual({ state: 'not-asked' });
  expect(serverFacts(archived('0/6000000'), { ...server('0/5000100'), isStandby: true })).toEqual({ state: 'behind' });
  const reason = 'no route to host';
  expect(serverFacts(archived('0/6000000'), { unreachable: reason })).toEqual({ state: 'unreachable', reason });
});
