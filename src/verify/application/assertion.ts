/** What the user demands of a restored source. */
export type Assertion = SqlAssertion | CommandAssertion;

/** A query that must return one row of one column, and that true. It runs in a read-only transaction. */
export interface SqlAssertion {
  readonly kind: 'sql';
  readonly name: string;
  readonly sql: string;
  /** Which of the restored databases; needed where there are several. */
  readonly database: string | undefined;
  /** As whom it is asked; default a superuser. */
  readonly role: string | undefined;
  readonly timeoutMs: number;
}

/** A command of the shell that must end with status 0. */
export interface CommandAssertion {
  readonly kind: 'command';
  readonly name: string;
  readonly command: string;
  /** Where it runs; default the directory of what was restored, for a database understudy's own. */
  readonly directory: string | undefined;
  /** Which of the restored databases `DATABASE_URL` leads to; needed where there are several. */
  readonly database: string | undefined;
  readonly timeoutMs: number;
}
