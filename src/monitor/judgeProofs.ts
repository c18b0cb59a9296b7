import type { JudgedFacts, Opinion } from './opinion.ts';
import { spanText } from './words.ts';

/** A verification a little late is no cause for alarm: a tenth of the interval, three days of a month. */
const grace = 1.1;

/** Whether the last proof that counts (`proofFacts.ts`) is recent enough. */
export function judgeVerification({ facts, objective, now }: JudgedFacts): Opinion {
  const { verified, firstBackup } = facts;
  const { verifyEveryMs } = objective;
  const ageMs = Math.max(0, now.getTime() - (verified?.at ?? firstBackup).getTime());
  const values = { ageMs, verifyEveryMs };
  if (verified === undefined) {
    const message = `no backup of it has ever been proved; the oldest is ${spanText(ageMs)} old`;
    return { severity: 'warning', message, values };
  }
  const overdue = ageMs > verifyEveryMs * grace;
  const late = overdue ? `: overdue, every ${spanText(verifyEveryMs)}` : '';
  const message = `proved ${spanText(ageMs)} ago (level ${verified.level})${late}`;
  return { severity: overdue ? 'warning' : 'ok', message, values };
}

/** What the newest proof said, whatever its level. */
export function judgeProof({ facts: { lastProof }, now }: JudgedFacts): Opinion | undefined {
  if (lastProof === undefined || lastProof.verdict === 'passed') return undefined;
  const { verdict, level, at, snapshot } = lastProof;
  const what = snapshot === undefined ? 'the repository' : `backup ${snapshot.slice(0, 8)}`;
  const when = `${spanText(now.getTime() - at.getTime())} ago (level ${level})`;
  const values = { verdict, level, ...(snapshot === undefined ? {} : { snapshot }) };
  return verdict === 'failed'
    ? { severity: 'critical', message: `${what} was tested ${when} and is not good`, values }
    : { severity: 'warning', message: `${what} could not be tested ${when}`, values };
}

/** The recovery time that was proved, against the objective of the tier. */
export function judgeRecoveryTime({ facts: { recovery }, objective: { tier } }: JudgedFacts): Opinion | undefined {
  if (recovery === undefined) return undefined;
  const { durationMs } = recovery;
  const took = `recovery took ${spanText(durationMs)}`;
  if (tier === undefined) return { severity: 'ok', message: took, values: { durationMs } };
  const { name, rtoMs } = tier;
  const message = `${took}; tier ${name} allows ${spanText(rtoMs)}`;
  return { severity: durationMs > rtoMs ? 'warning' : 'ok', message, values: { durationMs, rtoMs } };
}
