/**
 * Why a field is null, by its path; `*` stands for each item of a list. What is not here is a defect, which a test
 * finds.
 */
const standing: Readonly<Record<string, string>> = {
  'report.buildDigest': 'a build does not know its own digest; the version names it',
  'report.organisation': 'evidence.organisation is not configured',
  'report.environment': 'evidence.environment is not configured',
  'scope.systems.*.kind': 'the source is not in the configuration',
  'scope.systems.*.tier': 'the configuration gives the source no tier',
  'scope.systems.*.dataClass': 'data classes are kept in your asset register',
  'scope.systems.*.assetId': 'assets are kept in your asset register',
  'scope.systems.*.owner': 'the configuration names no owner of a source',
  'scope.databases': 'no record of the restored backups lists databases',
  'authority.planOwner': 'the plan names no owner',
  'authority.policyDigest': 'no configuration file was read',
  'authority.scheduledFor': 'a plan carries no schedule; see who started it, and when',
  'authority.changeTicket': 'no change ticket was given (--ticket)',
  'authority.decisions.*.step': 'the decision was about the whole run',
  'objective.rtoSeconds': 'the plan states no recovery time objective',
  'objective.rpoSeconds': 'the plan states no recovery point objective',
  'objective.scenario': 'no scenario was given (--scenario)',
  'backups.*.region': 'the region of a location is not known to the program',
  'backups.*.lock': 'locks of objects are not read from this kind of storage',
  'backups.*.snapshot': 'the step names no snapshot',
  'backups.*.timeline': 'only a physical backup has a timeline',
  'backups.*.startLsn': 'only a physical backup has WAL positions',
  'backups.*.stopLsn': 'only a physical backup has WAL positions',
  'backups.*.recoveredToLsn': 'only a recovered cluster has a WAL position',
  'backups.*.systemIdentifier': 'the record of this backup has no system identifier',
  'backups.*.serverVersion': 'the record of this backup has no server version',
  'backups.*.consistentAt': 'the step does not tell a consistent point',
  'backups.*.selection': 'the step does not tell how it chose',
  'backups.*.restoredBytes': 'the step does not count bytes',
  'backups.*.restoredRows': 'the step does not count rows',
  'backups.*.flaw': 'nothing bad is known about the backup',
  'target.isolation': 'it was no drill, its sandbox is still there, or a step was allowed to act outside of it',
  'target.notProduction': 'nothing proves it: see the isolation, or this was a real recovery',
  'target.systemIdentifiers': 'no step restored a cluster',
  'target.region': 'the region of this machine is not known to the program',
  'target.imageDigest': 'nothing was restored from an image',
  'target.access': 'it was no drill: access is that of the recovered system',
  'timeline.endedAt': 'the run has not ended',
  'timeline.moments.teamAssembledAt': 'nobody tells the program when the team is assembled',
  'timeline.moments.backupLocatedAt': 'a restoring step locates its backup at its beginning',
  'timeline.moments.restoreStartedAt': 'no step restored anything',
  'timeline.moments.dataRestoredAt': 'no step restored anything',
  'timeline.moments.walReplayedAt': 'no cluster was recovered',
  'timeline.moments.checksPassedAt': 'there is no step of kind sql, or not all of them succeeded after the restore',
  'timeline.moments.applicationHealthyAt':
    'there is no step of kind http, or not all of them succeeded after the restore',
  'timeline.moments.trafficBackAt': 'no kind of step switches traffic',
  'timeline.steps.*.owner': 'the plan names no owner of the step',
  'timeline.steps.*.planned.timeoutSeconds': 'the plan sets no time limit',
  'timeline.steps.*.actor': 'nobody acted: the step was not begun',
  'timeline.steps.*.begunAt': 'the step was not begun',
  'timeline.steps.*.endedAt': 'the step did not end',
  'timeline.steps.*.summary': 'only a step that succeeded has one',
  'timeline.steps.*.error': 'the step did not fail',
  'timeline.steps.*.error.hint': 'the error gave none',
  'timeline.steps.*.decision': 'nobody had to decide about the step',
  'timeline.steps.*.facts.*': 'the step looked, and there was nothing',
  'result.reasonClass': 'there is nothing to give a reason for',
  'result.reason': 'there is nothing to give a reason for',
  'result.recoverySeconds':
    'the recovery did not succeed or has not ended, a drill restored not all of it, or the clock was set back',
  'result.restoreSeconds': 'no step restored anything, or the clock was set back',
  'result.rtoMet': 'there is no recovery time objective, or no recovery time to judge by it',
  'result.recoveredTo': 'not every restoring step told a consistent point',
  'result.dataLossSeconds': 'not every restoring step told a consistent point',
  'result.rpoMet': 'there is no recovery point objective, or no consistent point to judge by it',
  'result.restoredBytes': 'no step counted bytes',
  'result.restoredRows': 'no step counted rows',
  'checks.*.expected': 'the check states no value',
  'checks.*.actual': 'the check did not get so far, or compares no value',
  'checks.*.seconds': 'the step did not run',
  'checks.*.error': 'the check found nothing wrong',
  'checks.*.role': 'the login of a check is not recorded',
  'controls.objectLockTested': 'no attempt to delete was made: this kind of storage has no lock to test',
  'controls.credentialsScope': 'the program cannot see which rights its credentials have',
  'controls.sandboxRemoved': 'it was no drill, or it is not over',
  'controls.sandboxCheckedAt': 'it was no drill, or it is not over',
  'controls.masking': 'data is not masked: it was restored for the rehearsal only',
  'copies.known.*.provider': 'the provider is not known to the program',
  'copies.known.*.region': 'the region of a location is not known to the program',
  'copies.known.*.immutable': 'not tested: no attempt to delete was made',
  'copies.known.*.lastRestoreFrom': 'nothing was restored in this run',
  'copies.others': 'the configuration names one repository; copies made of it by other means are not known',
  'retention': 'no retention policy is configured',
  'retention.*.held': 'nothing holds its retention',
  'deletionsSinceLast': 'deletions are not journalled',
  'contacts.*.phone': 'the configuration gives none',
  'contacts.*.email': 'the configuration gives none',
  'people.contactTest': 'contacts are not called by the program',
  'people.escalation': 'no escalation was recorded',
  'deviations.*.step': 'it concerns the whole run',
  'deviations.*.owner': 'neither the step nor the plan names an owner',
  'deviations.*.ticket': 'none was given',
  'deviations.*.note': 'nobody has said what was done',
  'carriedOver.*.owner': 'nobody was named',
  'planChanged': 'there is no earlier evidence of this plan to compare with',
  'review': 'nobody has reviewed it yet',
  'nextDue': 'a plan carries no schedule',
  'trend.tests.*.recoverySeconds': 'that run did not recover',
  'trend.tests.*.bytes': 'that run counted no bytes',
  'integrity.signingKeyId': 'evidence.signingKeyFile is not configured',
  'integrity.timestampReceipt': 'no time-stamping service is used',
  'notifications.*.at': 'the step was not begun',
  'notifications.*.error': 'nothing went wrong',
};

/** Fields that only the repository tells. */
const ofRepository = [
  ...['backupKind', 'completedAt', 'sizeBytes', 'contentDigest', 'encryption', 'keyId', 'location', 'candidates'].map(
    (field) => `backups.*.${field}`,
  ),
  ...['source', 'systemIdentifier', 'serverVersion', 'timeline', 'startLsn', 'stopLsn'].map(
    (field) => `backups.*.${field}`,
  ),
  ...['encryptionAtRest', 'keyId', 'keyTestedAt'].map((field) => `controls.${field}`),
  'retention',
  'carriedOver',
  'planChanged',
  'trend',
  'integrity.previous',
  'scope.databases',
];

/**
 * A reason for every null in the document, by path. `notRead` tells why the repository was not read, and then stands
 * for all that only it knows.
 */
export function unknownReasons(document: unknown, notRead: string | undefined): Record<string, string> {
  const repository = new Set(ofRepository);
  const reasons: Record<string, string> = {};
  for (const path of nullPaths(document, '')) {
    const absent = repository.has(path)
      ? (notRead ?? (standing[path] === undefined ? goneText : undefined))
      : undefined;
    reasons[path] = absent ?? standing[path] ?? 'no reason is recorded';
  }
  return reasons;
}

const goneText = 'the snapshot is no longer in the repository, or its record has no such field';

function nullPaths(value: unknown, path: string): string[] {
  if (value === null) return [path];
  if (typeof value !== 'object') return [];
  const below = (key: string, item: unknown): string[] => nullPaths(item, path === '' ? key : `${path}.${key}`);
  if (Array.isArray(value)) return [...new Set(value.flatMap((item: unknown) => below('*', item)))];
  const free = path.endsWith('.facts');
  return Object.entries(value).flatMap(([key, item]) => below(free ? '*' : key, item));
}

/** The document with the reasons of what is still null: those that it has, and new ones where it has none. */
export function keepReasons<Document extends { readonly unknown: Readonly<Record<string, string>> }>(
  document: Document,
): Document {
  const { unknown: known, ...rest } = document;
  const needed = Object.entries(unknownReasons(rest, undefined));
  return { ...document, unknown: Object.fromEntries(needed.map(([path, reason]) => [path, known[path] ?? reason])) };
}
