import type { Context } from '../../base/context.ts';
import type { Progress } from '../../base/progress.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import type { CheckList } from '../proof/checkList.ts';
import { askAssertion } from './askAssertion.ts';
import type { Assertion } from './assertion.ts';
import { runAssertion } from './runAssertion.ts';

/** What was restored, as assertions reach it. */
export interface RestoredApplication {
  /** The server that it runs on, as superuser; none for files, logs and git. */
  readonly server?: ConnectionOptions;
  /** Where it lies; none for databases. */
  readonly directory?: string;
  /** The scratch directory that all of it is in: when that goes, what commands have started goes too. */
  readonly scratch: string;
}

export interface ApplicationCheck {
  readonly checks: CheckList;
  readonly assertions: readonly Assertion[];
  readonly restored: RestoredApplication;
  readonly progress: Progress;
}

/** Level 5: each assertion is a check of its own name. One that could not be made has failed. */
export async function checkApplication(ctx: Context, options: ApplicationCheck): Promise<void> {
  const { checks, assertions, restored, progress } = options;
  if (assertions.length > 0) progress.phase('asserting', { items: assertions.length });
  for (const assertion of assertions) {
    await checks.run(5, assertion.name, () =>
      assertion.kind === 'sql' ? askAssertion(ctx, assertion, restored) : runAssertion(ctx, assertion, restored),
    );
    progress.advance({ items: 1 });
  }
}
