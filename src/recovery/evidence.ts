import { createHash } from 'node:crypto';
import type { Evidence } from './evidenceSchema.ts';
import type { Plan } from './planDocument.ts';
import { usedBackups } from './report/backups.ts';
import { checksOf } from './report/checks.ts';
import { deviationsOf } from './report/deviations.ts';
import { carriedOver, trendOf } from './report/history.ts';
import { momentsOf } from './report/moments.ts';
import { judgedBy, resultOf } from './report/result.ts';
import { stepEvidence, stepsNotRun } from './report/steps.ts';
import { controlsOf, copiesOf, participantsOf, scopeOf, sightOf, targetOf } from './report/surroundingSections.ts';
import { unknownReasons } from './report/unknown.ts';
import type { LoadedRun } from './runDirectory.ts';
import { stepState, type RunState } from './runState.ts';
import { stepKinds } from './stepKinds.ts';
import type { Surroundings } from './surroundings.ts';
import { measureRun } from './timing.ts';

export type { Evidence };

/** Composes the evidence of a run out of its journal and what surrounds it, so that it can be made again. */
export function composeEvidence(run: LoadedRun, around: Surroundings): Evidence {
  const { places, content, state, plan } = run;
  const sight = sightOf(around.repository);
  const moments = momentsOf(plan, state);
  const backups = usedBackups(plan, state, around);
  const timing = measureRun(content.entries);
  const measured = resultOf(plan, state, { moments, backups, timing });
  const steps = plan.steps.map((step) => stepEvidence(step, state));
  const authority = authorityOf(run, around);
  const checks = checksOf(plan, state, around);
  const controls = controlsOf(state, around);
  const deviations = deviationsOf(plan, state, { ...measured, checks, controls, timing });
  const now = state.endedAt ?? state.lastAt;
  const previous = sight?.earlier.at(-1);
  const document: Omit<Evidence, 'unknown'> = {
    format: 1,
    report: reportOf(run, around, places.id),
    scope: scopeOf(backups, around),
    authority,
    objective: objectiveOf(plan, state),
    backups,
    target: targetOf(plan, state, backups),
    timeline: {
      begunAt: state.begun.at,
      endedAt: state.endedAt ?? null,
      resumptions: state.resumptions,
      moments,
      steps,
    },
    stepsNotRun: stepsNotRun(steps),
    result: judgedBy(measured, deviations),
    checks,
    controls,
    copies: copiesOf(around, moments.dataRestoredAt),
    retention: sight?.retention ?? null,
    deletionsSinceLast: null,
    contacts: [...around.contacts],
    people: { participants: participantsOf(state, authority.decisions), contactTest: null, escalation: null },
    deviations,
    carriedOver: sight === undefined ? null : carriedOver(sight.earlier, { own: deviations, now }),
    planChanged: previous === undefined ? null : previous.authority.plan.digest !== state.begun.planDigest,
    review: null,
    nextDue: null,
    trend: sight === undefined ? null : trendOf(sight.earlier, now),
    integrity: {
      previous: sight?.previous ?? null,
      journal: journalDigests(content.entries),
      signingKeyId: around.signingKeyId,
      timestampReceipt: null,
      howToVerify: '`understudy evidence verify`, or VERIFY.md of `understudy evidence export` with openssl alone',
    },
    raw: { tools: { ...around.tools, understudy: state.begun.programVersion }, commands: commandsOf(plan, state) },
    notifications: notificationsOf(plan, state),
  };
  const notRead = 'notRead' in around.repository ? around.repository.notRead : undefined;
  return { ...document, unknown: unknownReasons(document, notRead) };
}

function reportOf({ state }: LoadedRun, around: Surroundings, id: string): Evidence['report'] {
  const { begun } = state;
  return {
    id,
    type: begun.drill ? 'drill' : 'recovery',
    exercise: begun.drill ? 'simulation' : 'full',
    product: 'understudy',
    version: begun.programVersion,
    buildDigest: null,
    organisation: around.organisation,
    environment: around.environment,
    host: begun.host,
    generatedAt: state.endedAt ?? state.lastAt,
  };
}

function authorityOf({ content, state, plan }: LoadedRun, around: Surroundings): Evidence['authority'] {
  const { begun } = state;
  const decisions = content.entries.flatMap((entry) => {
    if (!('decision' in entry)) return [];
    const step = 'step' in entry ? entry.step : null;
    return [{ at: entry.at, by: entry.by, decided: entry.type.replace('step-', ''), step, reason: entry.reason }];
  });
  const { name, version, description } = plan;
  return {
    plan: { name, version, digest: begun.planDigest, description },
    planOwner: plan.owner ?? null,
    policyDigest: around.policyDigest,
    scheduledFor: null,
    startedBy: begun.by,
    approvers: [...new Set(decisions.filter(({ decided }) => decided === 'approved').map(({ by }) => by))],
    changeTicket: begun.circumstances?.ticket ?? null,
    decisions,
  };
}

function objectiveOf({ objective, steps }: Plan, { begun }: RunState): Evidence['objective'] {
  const { rtoMs, rpoMs } = objective;
  return {
    rtoSeconds: rtoMs === undefined ? null : rtoMs / 1000,
    rpoSeconds: rpoMs === undefined ? null : rpoMs / 1000,
    scenario: begun.circumstances?.scenario ?? null,
    unavailable: [...(begun.circumstances?.unavailable ?? [])],
    successCriteria: steps
      .filter(({ critical, when, always }) => critical && when && !always)
      .map(({ title }) => title),
  };
}

/** What a person would type for each step; secrets stand there as the names of their parameters. */
function commandsOf({ steps }: Plan, state: RunState): Evidence['raw']['commands'] {
  return steps.flatMap(({ id, kind, options }) => {
    if (stepState(state, id).begunAt === undefined) return [];
    const command = stepKinds.find(({ name }) => name === kind)?.byHand?.(options);
    return command === undefined ? [] : [{ step: id, command }];
  });
}

function notificationsOf({ steps }: Plan, state: RunState): Evidence['notifications'] {
  return steps
    .filter(({ kind, when }) => kind === 'notify' && when)
    .map(({ id, options }) => {
      const { status, endedAt, begunAt, error } = stepState(state, id);
      const command: unknown = options['command'];
      const channel = Array.isArray(command) ? String(command[0]) : 'shell';
      const delivered = status === 'succeeded';
      const problem = delivered ? null : (error?.message ?? `not sent: ${status}`);
      return { step: id, channel, at: endedAt ?? begunAt ?? null, delivered, error: problem };
    });
}

function journalDigests(entries: LoadedRun['content']['entries']): Evidence['integrity']['journal'] {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const digest = (entry: unknown): string => sha256(JSON.stringify(entry));
  const file = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  return { entries: entries.length, first: digest(entries[0]), last: digest(entries.at(-1)), sha256: sha256(file) };
}
