import { describe, expect, test } from 'vitest';
import { parseLsn } from '../postgres/lsn.ts';
import { parseSystemIdentifier } from '../postgres/systemIdentifier.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { serverFacts, serverState, type ServerStatus } from './serverFacts.ts';

const systemIdentifier = parseSystemIdentifier('7123456789012345678');
const segmentBytes = 16 * 1024 * 1024;

const [earlier, later] = ['2026-11-22 10:00:00.5+00', '2026-11-22 10:00:00.51+00'];
const archiver = {
  archivedFiles: 7n,
  lastArchived: '000000010000000000000006',
  lastArchivedAt: earlier,
  failures: 0n,
  lastFailed: null,
  lastFailedAt: null,
};

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
    archiver,
    waitingFiles: undefined,
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
  expect(serverFacts(archived('0/5000000'), server('0/5000100', { archiveTimeoutMs: 0 }))).toEqual({
    state: 'when-full',
  });
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

describe('what a server says of itself', () => {
  const failing = { ...archiver, failures: 1n, lastFailed: '000000010000000000000007', lastFailedAt: later };
  const state = (answer: Partial<ServerStatus>) =>
    serverState({ ...server('0/5000100'), ...answer }, { systemIdentifier });

  test('nothing when it does not answer', () => {
    expect(serverState(undefined, { systemIdentifier })).toBeUndefined();
    expect(serverState({ unreachable: 'no route' }, { systemIdentifier })).toBeUndefined();
  });

  test('whether it is the one that is backed up', () => {
    expect(state({})).toEqual({ isAnotherCluster: false, archivingFails: undefined });
    expect(state({ systemIdentifier: parseSystemIdentifier('7123456789012345679') })?.isAnotherCluster).toBe(true);
  });

  test('whether its archiving has failed since it last succeeded', () => {
    expect(state({ archiver: failing, waitingFiles: 2n })?.archivingFails).toEqual({
      segment: '000000010000000000000007',
      lastSuccess: new Date('2026-11-22T10:00:00.500Z'),
      waitingFiles: 2,
    });
    const never = { ...failing, lastArchivedAt: null };
    expect(state({ archiver: never })?.archivingFails).toMatchObject({
      lastSuccess: undefined,
      waitingFiles: undefined,
    });
  });

  test.each([
    ['it succeeded since', { archiver: { ...failing, lastFailedAt: earlier, lastArchivedAt: later } }],
    ['nothing waits', { archiver: failing, waitingFiles: 0n }],
    ['it is off now', { archiver: failing, archiveMode: 'off' }],
    ['it became a standby', { archiver: failing, isStandby: true }],
  ])('not when %s', (_, answer) => {
    expect(state(answer)?.archivingFails).toBeUndefined();
  });
});
