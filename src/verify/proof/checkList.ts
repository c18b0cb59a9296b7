import type { Context } from '../../base/context.ts';
import { isOperationError, type OperationError } from '../../base/errors.ts';
import type { Check, CheckStatus, Level } from '../proof.ts';
import { isFaultOfTester } from './fault.ts';

/** How a check ended. Left out: nothing to say. */
export interface Outcome {
  readonly status: CheckStatus;
  readonly expected?: string;
  readonly actual?: string;
  readonly detail?: readonly string[];
  readonly hint?: string;
}

/** Lines of detail that are kept of one check. */
const maxDetailLines = 100;

/** Runs checks one after the other and keeps what came out. A check that throws has failed, or its tester has. */
export class CheckList {
  readonly checks: Check[] = [];
  readonly #ctx: Context;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Runs one check; true when it found nothing that makes further ones pointless. */
  async run(level: Level, name: string, body: () => Promise<Outcome> | Outcome): Promise<boolean> {
    const beganMs = this.#ctx.clock.monotonicMs();
    const outcome = await this.#outcomeOf(body);
    const { status, expected, actual, detail = [], hint } = outcome;
    this.checks.push({
      name,
      level,
      status,
      expected: expected ?? null,
      actual: actual ?? null,
      detail: shorten(detail),
      hint: hint ?? null,
      durationMs: Math.round(this.#ctx.clock.monotonicMs() - beganMs),
    });
    this.#ctx.log.info({ check: name, level, status }, 'check ends');
    return status !== 'failed' && status !== 'inconclusive';
  }

  /** As `run`, of something that the tester needs and that has not touched the backup: that is never to blame. */
  runOfTester(level: Level, name: string, body: () => Promise<Outcome>): Promise<boolean> {
    return this.run(level, name, async () => {
      try {
        return await body();
      } catch (error) {
        this.#ctx.signal.throwIfAborted();
        if (!isOperationError(error)) throw error;
        return { ...outcomeOfError(error), status: 'inconclusive' };
      }
    });
  }

  async #outcomeOf(body: () => Promise<Outcome> | Outcome): Promise<Outcome> {
    try {
      return await body();
    } catch (error) {
      this.#ctx.signal.throwIfAborted();
      if (!isOperationError(error)) throw error;
      return outcomeOfError(error);
    }
  }
}

/** The outcome of a check that could not be finished. */
export function outcomeOfError(error: OperationError): Outcome {
  return {
    status: isFaultOfTester(error) ? 'inconclusive' : 'failed',
    actual: error.message,
    detail: detailOf(error),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

/** `passed` when nothing is wrong, else `failed` with a line for each thing. */
export function judge(wrong: readonly string[], said: Omit<Outcome, 'status' | 'detail'> = {}): Outcome {
  return { ...said, status: wrong.length === 0 ? 'passed' : 'failed', detail: wrong };
}

function detailOf(error: OperationError): string[] {
  const { problems, failures, stderr } = error.detail;
  if (Array.isArray(problems)) return problems.map(problemText);
  const lines = failures ?? stderr;
  return Array.isArray(lines) ? lines.map(String) : [];
}

function problemText(problem: { object: string; blob?: string; problem: string }): string {
  const blob = problem.blob === undefined ? '' : ` (blob ${problem.blob})`;
  return `${problem.object}: ${problem.problem}${blob}`;
}

function shorten(lines: readonly string[]): string[] {
  if (lines.length <= maxDetailLines) return [...lines];
  return [...lines.slice(0, maxDetailLines - 1), `and ${lines.length - maxDetailLines + 1} more`];
}
