/** What the user demands of a restored source. */
export type Assertion = SqlAssertion | CommandAssertion;

interface EveryAssertion {
  /** Of the check; no two of a source have the same. */
  readonly name: string;
  /** Which of the restored databases; needed where there are several. */
  readonly database?: string | undefined;
  /** As whom the database is asked; default a superuser. */
  readonly role?: string | undefined;
  readonly timeoutMs: number;
}

/** A query that must return one row of one column, and that true. It runs in a read-only transaction. */
export interface SqlAssertion extends EveryAssertion {
  readonly kind: 'sql';
  readonly sql: string;
}

/** A command of the shell that must end with status 0. */
export interface CommandAssertion extends EveryAssertion {
  readonly kind: 'command';
  readonly command: string;
  /**
   * Where it runs; default the directory of what was restored, for a database the current one. A relative path starts
   * there too.
   */
  readonly directory?: string | undefined;
}
