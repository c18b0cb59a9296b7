import { exposureOf, isInFuture, newestUsable } from './exposure.ts';
import type { SourceFacts } from './facts.ts';
import type { Finding, Rule } from './finding.ts';
import { judgeProof, judgeRecoveryTime, judgeVerification } from './judgeProofs.ts';
import { judgeSize } from './judgeSize.ts';
import { judgeSlots } from './judgeSlots.ts';
import { judgeServer, judgeWal } from './judgeWal.ts';
import { nearlyReached } from './objectives.ts';
import type { Judged, JudgedFacts, Opinion } from './opinion.ts';
import { lossText, momentText, spanText } from './words.ts';

type RuleBody = (judged: JudgedFacts) => Opinion | undefined;

const rules: readonly (readonly [Rule, RuleBody])[] = [
  ['backup', judgeNewest],
  ['age', judgeAge],
  ['clock', judgeClock],
  ['exposure', judgeExposure],
  ['server', judgeServer],
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

/** Ages count for nothing where clocks disagree. */
function judgeClock({ facts: { backups, wal, lastProof }, now }: JudgedFacts): Opinion | undefined {
  const [backup] = backups;
  const commit = wal === undefined || 'unreadable' in wal ? undefined : wal.window.lastCommit;
  const dated = [
    { what: `backup ${backup?.id.slice(0, 8)}`, time: backup?.time },
    { what: 'the last commit in its WAL', time: commit },
    { what: 'its last proof', time: lastProof?.at },
  ];
  for (const { what, time } of dated) {
    if (time === undefined || !isInFuture({ time }, now)) continue;
    const aheadMs = time.getTime() - now.getTime();
    const message = `${what} is dated ${spanText(aheadMs)} in the future: a clock is wrong, here or where it was made`;
    return { severity: 'warning', message, values: { aheadMs } };
  }
  return undefined;
}

function judgeExposure({ facts, objective: { tier }, now }: JudgedFacts): Opinion | undefined {
  const exposure = exposureOf(facts, now);
  if (exposure === undefined) return undefined;
  const { lossMs } = exposure;
  if (tier !== undefined && tier.rpoMs === undefined) {
    const message = `of ${spanText(lossMs)} ago; base backups and WAL of its server keep the recovery point`;
    return { severity: 'ok', message, values: { ageMs: lossMs } };
  }
  const loss = `if it were lost now, ${lossText(lossMs)} would be lost`;
  if (tier?.rpoMs === undefined) return { severity: 'ok', message: loss, values: { lossMs } };
  const { name, rpoMs } = tier;
  const severity = lossMs > rpoMs ? 'critical' : lossMs > rpoMs * nearlyReached ? 'warning' : 'ok';
  const why = severity !== 'ok' && handsOverWhenFull(facts) ? ' (archive_timeout is not set on the server)' : '';
  const message = `${loss}; tier ${name} allows ${spanText(rpoMs)}${why}`;
  return { severity, message, values: { lossMs, rpoMs } };
}

/** A quiet server then keeps its last commits for itself for hours, or makes it look so. */
function handsOverWhenFull({ wal }: SourceFacts): boolean {
  return wal !== undefined && !('unreadable' in wal) && wal.server.state === 'when-full';
}

function judgeRetention({ facts: { held } }: JudgedFacts): Opinion | undefined {
  return held === undefined
    ? undefined
    : { severity: 'warning', message: `retention is held until somebody acknowledges: ${held}`, values: {} };
}
