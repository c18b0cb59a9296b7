/** What one look at the machine found. */
export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'failed';
  readonly message: string;
  /** What to do about a warning or a failure. */
  readonly hint?: string;
}
