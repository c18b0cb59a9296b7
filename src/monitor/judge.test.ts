import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exposureOf } from './exposure.ts';
import type { SourceFacts } from './facts.ts';
import { severities, worstOf } from './finding.ts';
import {
  ago,
  backup,
  dayMs,
  expecting,
  hourMs,
  mib,
  minuteMs,
  now,
  repositoryFacts,
  sourceFacts,
  walFacts,
} from '../testing/monitorFacts.ts';
import { verdictOf } from './fixture/verdicts.ts';
import { judge } from './judge.ts';
import { verdictSentence } from './verdict.ts';

const critical = { name: 'critical', rpoMs: hourMs, rtoMs: hourMs };

describe('backups', () => {
  test('a source that is configured and has no backup is critical', () => {
    const findings = judge(repositoryFacts(), { objectives: expecting('database'), sources: undefined }, now);
    expect(findings).toMatchObject([{ source: 'database', rule: 'backup', severity: 'critical' }]);
  });

  test('nothing at all is critical, configured or not, and other programs do not count', () => {
    const facts = { ...repositoryFacts(), foreignSnapshots: 3 };
    const findings = judge(facts, { objectives: undefined, sources: undefined }, now);
    expect(findings).toMatchObject([{ source: undefined, severity: 'critical' }]);
    expect(verdictSentence(findings)).toBe('there is no backup of any source, only 3 snapshots of other programs');
  });

  test('a source that is not configured is told and not judged', () => {
    const other = sourceFacts({ source: 'old', backups: [backup({ time: ago(90 * dayMs) })] });
    const findings = judge(
      repositoryFacts(sourceFacts(), other),
      { objectives: expecting('app'), sources: undefined },
      now,
    );
    expect(findings.filter(({ source }) => source === 'old')).toMatchObject([
      { rule: 'not-configured', severity: 'info' },
    ]);
    expect(worstOf(findings)).toBe('info');
  });

  test('backups of another kind under the same name are not those of the source', () => {
    const findings = judge(
      repositoryFacts(sourceFacts({ kind: 'dump' })),
      { objectives: expecting('app'), sources: undefined },
      now,
    );
    expect(findings.map(({ rule, severity }) => `${rule} ${severity}`)).toEqual([
      'backup critical',
      'not-configured info',
    ]);
  });

  test('only what is named is judged', () => {
    const expectations = { objectives: expecting('database'), sources: new Set(['app']) };
    expect(judge(repositoryFacts(sourceFacts()), expectations, now).map(({ source }) => source)).toEqual(['app']);
  });

  test('a snapshot that cannot be read is told whoever is asked for: it may be of any source', () => {
    const facts = { ...repositoryFacts(sourceFacts()), unreadableSnapshots: 1 };
    for (const sources of [undefined, new Set(['app'])]) {
      const findings = judge(facts, { objectives: undefined, sources }, now);
      expect(verdictSentence(findings)).toBe('a snapshot of the repository cannot be read');
    }
  });

  test('the newest one not good is a warning, and age counts from the good one', () => {
    const flaw = { reason: 'its last proof failed', partial: false };
    const backups = [backup({ flaw }), backup({ time: ago(30 * hourMs) })];
    expect(verdictOf('backup', { backups })).toBe(
      'warning: the newest backup is not good: its last proof failed; the newest good one is of 2026-11-21 06:00 UTC',
    );
    expect(verdictOf('age', { backups })).toBe('warning: the newest good backup is 1 day 6 h old, more than 1 day 2 h');
  });

  test('where none is good, one that only lacks something has to do; else it is critical', () => {
    const partial = { reason: 'it is incomplete', partial: true };
    const bad = { reason: 'its record cannot be read', partial: false };
    expect(verdictOf('backup', { backups: [backup({ flaw: partial })] })).toMatch(
      /^warning: .*there is no better one$/,
    );
    expect(verdictOf('backup', { backups: [backup({ flaw: bad })] })).toMatch(/^critical: no backup is good/);
  });

  test('one that is dated in the future is told, and hides no old age', () => {
    const backups = [backup({ time: ago(-2 * dayMs) }), backup({ time: ago(3 * dayMs) })];
    expect(verdictOf('clock', { backups })).toMatch(/^warning: .*2 days in the future/);
    expect(verdictOf('age', { backups })).toMatch(/^warning: .*3 days old/);
    expect(verdictOf('backup', { backups: backups.slice(0, 1) })).toMatch(/^critical/);
    expect(verdictOf('clock', { backups: [backup({ time: ago(-minuteMs) })] })).toBe('nothing');
  });
});

describe('age', () => {
  test.each([
    [26 * hourMs, 'ok'],
    [26 * hourMs + 1000, 'warning'],
    [90 * dayMs, 'warning'],
  ])('%d ms old', (age, severity) => {
    expect(verdictOf('age', { backups: [backup({ time: ago(age) })] })).toMatch(new RegExp(`^${severity}:`));
  });

  test('weekly backups may say so', () => {
    const backups = [backup({ time: ago(7 * dayMs) })];
    expect(verdictOf('age', { backups }, { maxAgeMs: 8 * dayMs })).toMatch(/^ok/);
  });
});

describe('exposure', () => {
  test.each([
    [47, 'ok'],
    [50, 'warning'],
    [61, 'critical'],
  ])('a backup of %d minutes ago, where an hour may be lost', (minutes, severity) => {
    const backups = [backup({ time: ago(minutes * minuteMs) })];
    expect(verdictOf('exposure', { backups }, { tier: critical })).toMatch(new RegExp(`^${severity}:`));
    expect(verdictOf('exposure', { backups })).toMatch(/^ok/);
  });

  const old = [backup({ time: ago(20 * hourMs) })];

  test('of a cluster is counted from the last commit in its WAL', () => {
    const facts = { kind: 'postgres', backups: old, wal: walFacts() } as const;
    expect(verdictOf('exposure', facts, { tier: critical })).toBe(
      'ok: if it were lost now, 10 min would be lost; tier critical allows 1 h',
    );
  });

  test('a quiet server loses nothing when it says that all is archived', () => {
    const window = { ...walFacts().window, lastCommit: ago(5 * hourMs) };
    const loss = (wal: Partial<ReturnType<typeof walFacts>>): number | undefined =>
      exposureOf(sourceFacts({ backups: old, wal: walFacts({ window, ...wal }) }), now)?.lossMs;
    expect(loss({ server: { state: 'all-archived' } })).toBe(0);
    expect(loss({ server: { state: 'at-most', archiveTimeoutMs: 60_000 } })).toBe(60_000);
    expect(loss({ server: { state: 'behind' } })).toBe(5 * hourMs);
    expect(loss({ server: { state: 'unreachable', reason: 'no route' } })).toBe(5 * hourMs);
    // whatever the server has archived behind a gap cannot be replayed
    expect(loss({ server: { state: 'all-archived' }, backupNeeded: true })).toBe(5 * hourMs);
  });

  test('above the objective says so when the server was not told to hand over in time', () => {
    const window = { ...walFacts().window, lastCommit: ago(5 * hourMs) };
    const wal = walFacts({ window, server: { state: 'when-full' } });
    expect(verdictOf('exposure', { kind: 'postgres', backups: old, wal }, { tier: critical })).toBe(
      'critical: if it were lost now, 5 h would be lost; tier critical allows 1 h (archive_timeout is not set on the server)',
    );
  });

  test('WAL that ends before the newest backup, or cannot be read, adds nothing', () => {
    const window = { ...walFacts().window, lastCommit: ago(2 * dayMs) };
    const of = (wal: SourceFacts['wal']) => exposureOf(sourceFacts({ backups: old, wal }), now);
    expect(of(walFacts({ window }))).toMatchObject({ lossMs: 20 * hourMs, by: 'backup' });
    expect(of({ unreadable: 'damaged' })).toMatchObject({ lossMs: 20 * hourMs, by: 'backup' });
  });
});

test('a commit or a proof of the future is told: ages say nothing then', () => {
  const window = { ...walFacts().window, lastCommit: ago(-hourMs) };
  expect(verdictOf('clock', { kind: 'postgres', wal: walFacts({ window }) })).toMatch(
    /^warning: the last commit .* 1 h in/,
  );
  const lastProof = { snapshot: undefined, verdict: 'passed', level: 4, at: ago(-400 * dayMs) } as const;
  expect(verdictOf('clock', { lastProof })).toMatch(/^warning: its last proof is dated 400 days in/);
});

describe('size', () => {
  const sized = (...sizes: readonly number[]): Partial<SourceFacts> => ({
    backups: sizes.map((sizeBytes, index) => backup({ sizeBytes, time: ago((index + 1) * hourMs) })),
  });

  test('smaller than the minimum, which only databases have unless told', () => {
    expect(verdictOf('size', { ...sized(1000), kind: 'dump' })).toBe(
      'warning: the newest backup is too small: 1000 bytes, of at least 1.0 MiB',
    );
    expect(verdictOf('size', sized(1000))).toBe('ok: the newest backup has 1000 bytes');
    expect(verdictOf('size', sized(1000), { minSizeBytes: 1001 })).toMatch(/^warning/);
  });

  test('less than half of the usual; more than twice is only told', () => {
    expect(verdictOf('size', sized(4 * mib, 10 * mib, 9 * mib, 11 * mib))).toBe(
      'warning: the newest backup has 4.0 MiB, 40 % of the usual 10.0 MiB',
    );
    expect(verdictOf('size', sized(5 * mib, 10 * mib, 9 * mib, 11 * mib))).toMatch(/^ok/);
    expect(verdictOf('size', sized(24 * mib, 10 * mib, 9 * mib, 11 * mib))).toMatch(/^info: .*240 %/);
  });

  test('backups that are not good do not say what is usual', () => {
    const flaw = { reason: 'it is incomplete', partial: true };
    const bad = Array.from({ length: 9 }, () => backup({ sizeBytes: 1, flaw, time: ago(hourMs) }));
    const good = [10, 10, 10].map((size) => backup({ sizeBytes: size * mib, time: ago(dayMs) }));
    const backups = [backup({ sizeBytes: 4 * mib, time: ago(minuteMs) }), ...bad, ...good];
    expect(verdictOf('size', { backups })).toMatch(/^warning: .*40 %/);
  });

  test('two backups say nothing of what is usual', () => {
    expect(verdictOf('size', sized(1 * mib, 10 * mib, 10 * mib))).toMatch(/^ok/);
  });
});

describe('proofs', () => {
  const proof = { snapshot: 'a'.repeat(64), verdict: 'passed', level: 4, at: ago(40 * dayMs) } as const;

  test('never, in time, in grace, overdue', () => {
    expect(verdictOf('verification', { verified: undefined })).toBe(
      'warning: no backup of it has ever been proved; the oldest is 1 day old',
    );
    expect(verdictOf('verification', {})).toBe('ok: proved 1 day ago (level 4)');
    expect(verdictOf('verification', { verified: { ...proof, at: ago(34 * dayMs) } })).toMatch(/^ok/);
    expect(verdictOf('verification', { verified: proof })).toBe(
      'warning: proved 40 days ago (level 4): overdue, every 31 days',
    );
  });

  test('a failed one is critical, an inconclusive one a warning', () => {
    expect(verdictOf('proof', { lastProof: { ...proof, verdict: 'failed' } })).toBe(
      'critical: backup aaaaaaaa was tested 40 days ago (level 4) and is not good',
    );
    expect(verdictOf('proof', { lastProof: { ...proof, verdict: 'inconclusive' } })).toMatch(/^warning/);
  });

  test('a recovery that takes too long', () => {
    const recovery = { durationMs: 90 * minuteMs, at: ago(dayMs) };
    expect(verdictOf('recovery-time', { recovery }, { tier: critical })).toBe(
      'warning: recovery took 1 h 30 min; tier critical allows 1 h',
    );
    expect(verdictOf('recovery-time', { recovery })).toMatch(/^ok/);
  });
});

describe('retention', () => {
  const slot = { filled: 3, wanted: 7, lastIsMissing: true } as const;

  test('a missed week is a warning until the next is over, a missed day only told, an hour between daily backups nothing', () => {
    const week = { ...slot, rule: 'weekly', unit: 'week', missing: ['2026-W45'] } as const;
    const day = { ...slot, rule: 'daily', unit: 'day', missing: ['2026-11-20', '2026-11-19'] } as const;
    const hour = { ...slot, rule: 'hourly', unit: 'hour', missing: ['2026-11-22T10'] } as const;
    expect(verdictOf('slots', { slots: [week, day] })).toBe(
      'warning: the retention policy has slots without a backup: weekly 2026-W45, daily 2026-11-20 and 1 more',
    );
    expect(verdictOf('slots', { slots: [{ ...week, lastIsMissing: false }] })).toMatch(/^info/);
    expect(verdictOf('slots', { slots: [day] })).toMatch(/^info/);
    expect(verdictOf('slots', { slots: [hour] })).toBe('nothing');
    expect(verdictOf('slots', { slots: [day] }, { maxAgeMs: 8 * dayMs })).toBe('nothing');
  });

  test('a hold is a warning', () => {
    expect(verdictOf('retention', { held: 'it shrank' })).toMatch(/^warning: .*it shrank/);
  });
});

describe('the verdict', () => {
  const expectations = { objectives: undefined, sources: undefined };

  test('says what is lost when all is well', () => {
    const one = repositoryFacts(sourceFacts());
    expect(verdictSentence(judge(one, expectations, now))).toBe(
      'app is backed up and proved; if it were lost now, 1 h would be lost',
    );
    const two = repositoryFacts(
      sourceFacts(),
      sourceFacts({ source: 'config', backups: [backup({ time: ago(2 * hourMs) })] }),
    );
    expect(verdictSentence(judge(two, expectations, now))).toBe(
      '2 sources are backed up and proved; the most that would be lost now is 2 h (config)',
    );
  });

  test('a dump whose recovery point WAL keeps loses nothing by its own age', () => {
    const facts = sourceFacts({ source: 'dump', kind: 'dump', backups: [backup({ time: ago(20 * hourMs) })] });
    const kept = expecting('dump', { kind: 'dump', tier: { name: 'critical', rpoMs: undefined, rtoMs: hourMs } });
    const both = { objectives: new Map([...kept, ...expecting('app')]), sources: undefined };
    expect(verdictSentence(judge(repositoryFacts(sourceFacts(), facts), both, now))).toBe(
      '2 sources are backed up and proved; the most that would be lost now is 1 h (app)',
    );
    const alone = judge(repositoryFacts(facts), { objectives: kept, sources: undefined }, now);
    expect(verdictSentence(alone)).toBe('dump is backed up and proved');
    expect(alone.find(({ rule }) => rule === 'exposure')?.message).toBe(
      'of 20 h ago; base backups and WAL of its server keep the recovery point',
    );
  });

  test('tells the worst first', () => {
    const facts = repositoryFacts(sourceFacts({ verified: undefined, held: 'it shrank' }));
    const objectives = new Map([...expecting('app'), ...expecting('database')]);
    const findings = judge(facts, { objectives, sources: undefined }, now);
    expect(verdictSentence(findings)).toBe('database: there is no backup; and 2 more');
    const another = sourceFacts({ source: 'other', verified: undefined });
    const warnings = judge(repositoryFacts(...facts.sources, another), expectations, now);
    expect(verdictSentence(warnings)).toBe(
      'app: no backup of it has ever been proved; the oldest is 1 day old; ' +
        'other: no backup of it has ever been proved; the oldest is 1 day old; and 1 more',
    );
  });
});

const flaws = [
  undefined,
  { reason: 'it is incomplete', partial: true },
  { reason: 'its last proof failed', partial: false },
] as const;

const anyBackup = fc
  .record({
    age: fc.integer({ min: -3 * dayMs, max: 90 * dayMs }),
    sizeBytes: fc.option(fc.integer({ min: 0, max: 2 ** 40 }), { nil: undefined }),
    flaw: fc.constantFrom(...flaws),
  })
  .map(({ age, ...facts }) => backup({ time: ago(age), ...facts }));

const anyProof = fc.option(
  fc.record({
    snapshot: fc.constant(undefined),
    verdict: fc.constantFrom('passed', 'failed', 'inconclusive'),
    level: fc.integer({ min: 1, max: 5 }),
    at: fc.integer({ min: 0, max: 90 * dayMs }).map(ago),
  }),
  { nil: undefined },
);

const anySource = fc
  .record({
    backups: fc
      .array(anyBackup, { minLength: 1, maxLength: 12 })
      .map((backups) => backups.toSorted((one, other) => other.time.getTime() - one.time.getTime())),
    verified: anyProof.map((proof) => (proof === undefined ? undefined : { ...proof, verdict: 'passed' as const })),
    lastProof: anyProof,
    held: fc.option(fc.constant('it shrank'), { nil: undefined }),
  })
  .map((facts) => sourceFacts(facts));

test('all is well exactly when there is a good and recent backup, proved in time, and nothing has failed', () => {
  fc.assert(
    fc.property(anySource, (facts) => {
      const { backups, verified, lastProof, held } = facts;
      const findings = judge(repositoryFacts(facts), { objectives: undefined, sources: undefined }, now);
      const [newest] = backups;
      const sizes = backups.slice(1, 11).flatMap(({ sizeBytes }) => sizeBytes ?? []);
      const isWell =
        newest!.flaw === undefined &&
        newest!.time <= ago(-5 * minuteMs) &&
        newest!.time >= ago(26 * hourMs) &&
        verified !== undefined &&
        verified.at >= ago(34.1 * dayMs) &&
        (lastProof === undefined || lastProof.verdict === 'passed') &&
        held === undefined;
      const hasShrunk = newest!.sizeBytes !== undefined && sizes.some((size) => newest!.sizeBytes! < size / 2);
      const worst = worstOf(findings);
      if (!isWell) expect(severities.indexOf(worst)).toBeGreaterThan(severities.indexOf('info'));
      else if (!hasShrunk) expect(['ok', 'info']).toContain(worst);
    }),
    { numRuns: 500 },
  );
});

test('time alone never makes anything better', () => {
  fc.assert(
    fc.property(anySource, fc.integer({ min: 0, max: 60 * dayMs }), (facts, later) => {
      // what is dated in the future becomes present with time
      const past = { ...facts, backups: facts.backups.filter(({ time }) => time <= now) };
      const at = (moment: Date): number =>
        severities.indexOf(
          worstOf(judge(repositoryFacts(past), { objectives: expecting('app'), sources: undefined }, moment)),
        );
      expect(at(new Date(now.getTime() + later))).toBeGreaterThanOrEqual(at(now));
    }),
  );
});

test('what would be lost is never counted from a backup that is not good, nor from the future', () => {
  fc.assert(
    fc.property(anySource, fc.option(fc.integer({ min: 0, max: 60 * dayMs })), (facts, lastCommit) => {
      const window = { ...walFacts().window, lastCommit: lastCommit === null ? undefined : ago(lastCommit) };
      const exposure = exposureOf({ ...facts, wal: walFacts({ window }) }, now);
      const usable = facts.backups.filter(({ flaw, time }) => flaw?.partial !== false && time <= ago(-5 * minuteMs));
      if (usable.length === 0) expect(exposure).toBeUndefined();
      else {
        const good = usable.filter(({ flaw }) => flaw === undefined);
        const newest = (good[0] ?? usable[0])!.time;
        const point = window.lastCommit !== undefined && window.lastCommit > newest ? window.lastCommit : newest;
        expect(exposure?.lossMs).toBe(Math.max(0, now.getTime() - point.getTime()));
      }
    }),
  );
});
