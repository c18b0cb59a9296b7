import { exposureOf, isInFuture, newestUsable } from './exposure.ts';
import type { Finding, Rule } from './finding.ts';
import { judgeProof, judgeRecoveryTime, judgeVerification } from './judgeProofs.ts';
import { judgeSize } from './judgeSize.ts';
import { judgeSlots } from './judgeSlots.ts';
import { nearlyReached } from './objectives.ts';
import type { Judged, JudgedFacts, Opinion } from './opinion.ts';
import { momentText, spanText } from './words.ts';

/** So long the WAL of a backup may be on its way to the archive. */
const archivingTakesMs = 15 * 60_000;

type RuleBody = (judged: JudgedFacts) => Opinion | undefined;

const rules: readonly (readonly [Rule, RuleBody])[] = [
  ['backup', judgeNewest],
  ['age', judgeAge],
  ['clock', judgeClock],
  ['exposure', judgeExposure],
  ['wal', judgeWal],
  ['size', judgeSize],
  ['proof', judgeProof],
  ['verification', judgeVerification],
  ['recovery-time', judgeRecoveryTime],
  ['slots', judgeSlots],
  ['retention', judgeRetention],
];

/** Every rule's finding of one source, good ones included. */
export function judgeSource(judged: Judged): Finding[] {
  const { source, facts } = judged;
  if (facts === undefined || facts.backups.length === 0) {
    return [{ source, rule: 'backup', severity: 'critical', message: 'there is no backup', values: {} }];
  }
  return rules.flatMap(([rule, body]): Finding[] => {
    const opinion = body({ ...judged, facts });
    return opinion === undefined ? [] : [{ source, rule, ...opinion }];
  });
}

function judgeNewest({ facts: { backups }, now }: JudgedFacts): Opinion {
  const usable = newestUsable(backups, now);
  const newest = backups.find((backup) => !isInFuture(backup, now));
  if (newest === undefined) {
    return { severity: 'critical', message: 'there is no backup but ones that are dated in the future', values: {} };
  }
  const { flaw } = newest;
  if (usable === undefined) {
    return { severity: 'critical', message: `no backup is good; of the newest ${flaw?.reason}`, values: {} };
  }
  if (flaw === undefined) return { severity: 'ok', message: 'the newest backup is good', values: { id: newest.id } };
  const instead =
    usable === newest ? 'and there is no better one' : `the newest good one is of ${momentText(usable.time)}`;
  const message = `the newest backup is not good: ${flaw.reason}; ${instead}`;
  return { severity: 'warning', message, values: { id: newest.id, good: usable.id } };
}

function judgeAge({ facts, objective: { maxAgeMs }, now }: JudgedFacts): Opinion | undefined {
  const usable = newestUsable(facts.backups, now);
  if (usable === undefined) return undefined;
  const ageMs = Math.max(0, now.getTime() - usable.time.getTime());
  const late = ageMs > maxAgeMs;
  const allowed = `${late ? 'more than' : 'of at most'} ${spanText(maxAgeMs)}`;
  const message = `the newest good backup is ${spanText(ageMs)} old, ${allowed}`;
  return { severity: late ? 'warning' : 'ok', message, values: { ageMs, maxAgeMs } };
}

function judgeClock({ facts: { backups }, now }: JudgedFacts): Opinion | undefined {
  const [newest] = backups;
  if (newest === undefined || !isInFuture(newest, now)) return undefined;
  const aheadMs = newest.time.getTime() - now.getTime();
  const dated = `backup ${newest.id.slice(0, 8)} is dated ${spanText(aheadMs)} in the future`;
  const message = `${dated}: a clock is wrong, here or where it was made`;
  return { severity: 'warning', message, values: { id: newest.id, aheadMs } };
}

function judgeExposure({ facts, objective: { tier }, now }: JudgedFacts): Opinion | undefined {
  const exposure = exposureOf(facts, now);
  if (exposure === undefined) return undefined;
  const { lossMs } = exposure;
  const loss = `if it were lost now, ${spanText(lossMs)} would be lost`;
  if (tier?.rpoMs === undefined) return { severity: 'ok', message: loss, values: { lossMs } };
  const { name, rpoMs } = tier;
  const severity = lossMs > rpoMs ? 'critical' : lossMs > rpoMs * nearlyReached ? 'warning' : 'ok';
  const message = `${loss}; tier ${name} allows ${spanText(rpoMs)}`;
  return { severity, message, values: { lossMs, rpoMs } };
}

function judgeWal({ facts: { wal, backups }, now }: JudgedFacts): Opinion | undefined {
  if (wal === undefined) return undefined;
  if ('unreadable' in wal) {
    return { severity: 'unknown', message: `its WAL cannot be judged: ${wal.unreadable}`, values: {} };
  }
  const { segments, gaps, backupNeeded, behindBackup, server } = wal;
  const values = { segments, gaps: gaps.length };
  const [gap] = gaps.toReversed();
  if (backupNeeded) {
    const lost = gap === undefined ? 'it follows no good backup' : `${gap} is missing`;
    const message = `its newest WAL cannot be recovered: ${lost}, and no base backup has been made since`;
    return { severity: 'critical', message, values };
  }
  const backup = newestUsable(backups, now);
  if (behindBackup && backup !== undefined && now.getTime() - backup.time.getTime() > archivingTakesMs) {
    return { severity: 'warning', message: 'no WAL has been archived since the newest base backup', values };
  }
  if (server.state === 'unreachable') {
    return { severity: 'info', message: `the server cannot be asked: ${server.reason}`, values };
  }
  if (gap !== undefined) {
    return { severity: 'info', message: `WAL is missing, ${gap}; a later base backup is there`, values };
  }
  return { severity: 'ok', message: 'WAL follows the newest base backup without a gap', values };
}

function judgeRetention({ facts: { held } }: JudgedFacts): Opinion | undefined {
  return held === undefined
    ? undefined
    : { severity: 'warning', message: `retention is held until somebody acknowledges: ${held}`, values: {} };
}
