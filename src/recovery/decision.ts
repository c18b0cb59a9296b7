import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomicFile.ts';
import type { Context } from '../base/context.ts';

/** Something that a person decided about a run while it goes on. */
export interface Decision {
  readonly id: string;
  readonly action: 'approve' | 'decline' | 'skip' | 'pause' | 'continue';
  /** Not for pause and continue. */
  readonly step?: string;
  readonly by: string;
  readonly reason: string;
}

/** Where a run finds what people decided. */
export interface Inbox {
  /** Decisions that have come, in their order; each is there until it is removed. */
  peek(): readonly Decision[];
  remove(decision: Decision): void;
  /** Resolves when there may be something new. Rejects with the context's reason when it is aborted. */
  arrival(ctx: Context): Promise<void>;
}

const pollMs = 500;
const suffix = '.json';

/** The inbox in a directory, to which other processes write with `postDecision`. */
export function directoryInbox(directory: string): Inbox {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const names = (): string[] =>
    readdirSync(directory)
      .filter((name) => name.endsWith(suffix))
      .sort();
  return {
    peek: () => names().map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Decision),
    remove: ({ id }) => rmSync(join(directory, id + suffix), { force: true }),
    arrival: async (ctx) => {
      while (names().length === 0) await ctx.clock.sleep(pollMs, ctx.signal);
    },
  };
}

/** Leaves a decision for the run; it is durable when this returns. */
export function postDecision(directory: string, now: Date, decision: Omit<Decision, 'id'>): Decision {
  if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const complete = { ...decision, id: `${now.getTime()}-${randomBytes(4).toString('hex')}` };
  writeFileAtomic(join(directory, complete.id + suffix), Buffer.from(JSON.stringify(complete)), { exclusive: true });
  return complete;
}
