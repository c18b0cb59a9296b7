import { errorMessage } from '../../base/errors.ts';

/** Something that a check found. */
export interface Finding {
  /** What it is about: an object name (`index/ab12...`), or `tree <id>`. */
  readonly object: string;
  readonly problem: string;
  readonly hint: string;
}

/**
 * Collects findings: errors mean that something is lost or will be, hints that something is not as tidy as it could be.
 */
export class Findings {
  readonly errors: Finding[] = [];
  readonly hints: Finding[] = [];

  error(object: string, problem: string, hint: string): void {
    this.errors.push({ object, problem, hint });
  }

  hint(object: string, problem: string, hint: string): void {
    this.hints.push({ object, problem, hint });
  }

  /** Takes note of an error that was thrown about an object. */
  thrown(object: string, error: unknown, hint: string): void {
    this.error(object, errorMessage(error), hint);
  }
}
