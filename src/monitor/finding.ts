/** From good to bad. `info` is worth a line and nobody's night; `unknown` could not be judged. */
export const severities = ['ok', 'info', 'warning', 'unknown', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** What was looked at. Each rule gives at most one finding of a source. */
export type Rule =
  | 'backup'
  | 'age'
  | 'clock'
  | 'exposure'
  | 'size'
  | 'verification'
  | 'proof'
  | 'recovery-time'
  | 'server'
  | 'wal'
  | 'slots'
  | 'retention'
  | 'not-configured'
  | 'repository';

/** One thing that was judged. */
export interface Finding {
  /** Undefined for the repository as a whole. */
  readonly source: string | undefined;
  readonly rule: Rule;
  readonly severity: Severity;
  /** One sentence without the name of the source, lower-case. */
  readonly message: string;
  /** The figures behind it: times in milliseconds, sizes in bytes. */
  readonly values: Readonly<Record<string, number | string>>;
}

/** The worst of them; `ok` without any. */
export function worstOf(findings: readonly Finding[]): Severity {
  return findings.reduce<Severity>(
    (worst, { severity }) => (severities.indexOf(severity) > severities.indexOf(worst) ? severity : worst),
    'ok',
  );
}

/** Those that somebody has to do something about, the worst first. */
export function badFindings(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding): number => severities.indexOf(severity);
  return findings
    .filter(({ severity }) => severity !== 'ok' && severity !== 'info')
    .toSorted((one, other) => rank(other) - rank(one));
}
