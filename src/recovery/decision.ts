import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../base/atomicFile.ts';
import type { Context } from '../base/context.ts';
import { errorMessage } from '../base/errors.ts';

/** Something that a person decided about a run while it goes on. */
export interface Decision {
  readonly id: string;
  readonly action: 'approve' | 'decline' | 'skip' | 'pause' | 'continue';
  /** Not for pause and continue. */
  readonly step?: string | undefined;
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

const schema = z.object({
  action: z.enum(['approve', 'decline', 'skip', 'pause', 'continue']),
  step: z.string().optional(),
  by: z.string(),
  reason: z.string(),
});

/**
 * The inbox in a directory, to which other processes write with `postDecision`. A file that is no decision, or cannot
 * be read, is told once and left alone.
 */
export function directoryInbox(directory: string, onWarning?: (message: string) => void): Inbox {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const ignored = new Set<string>();
  const names = (): string[] =>
    readdirSync(directory)
      .filter((name) => name.endsWith(suffix) && !ignored.has(name))
      .sort();
  const read = (name: string): Decision[] => {
    try {
      const parsed = schema.safeParse(JSON.parse(readFileSync(join(directory, name), 'utf8')));
      if (!parsed.success) throw new Error('it is none');
      return [{ ...parsed.data, id: name.slice(0, -suffix.length) }];
    } catch (error) {
      ignored.add(name);
      onWarning?.(`the decision in ${join(directory, name)} cannot be read, and is ignored: ${errorMessage(error)}`);
      return [];
    }
  };
  return {
    peek: () => names().flatMap(read),
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
