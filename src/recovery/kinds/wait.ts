import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { formatDuration } from '../../base/duration.ts';
import { planDuration } from '../planDocument.ts';
import { defineStepKind } from '../stepKind.ts';

const zonedTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;
const connectMs = 5_000;

/** Waits for a time or for a condition; how long at most is the step's `timeout`. */
export const waitKind = defineStepKind({
  name: 'wait',
  shape: {
    for: planDuration().optional().describe('This long.'),
    until: z.string().regex(zonedTime, 'expected a time with its zone').optional().describe('Until this moment.'),
    file: z.string().min(1).optional().describe("Until this file exists; relative to the run's working directory."),
    port: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1').describe('Name or address of the machine.'),
        number: z.int().min(1).max(65_535).describe('Number of the port.'),
      })
      .optional()
      .describe('Until this port accepts connections.'),
    every: planDuration().prefault('1s').describe('How often a condition is looked at.'),
  },
  repeatable: () => true,
  check: ({ for: span, until, file, port }) => {
    if ([span, until, file, port].filter((one) => one !== undefined).length !== 1) {
      return [{ path: [], message: 'it takes one of `for`, `until`, `file` and `port`' }];
    }
    if (until === undefined || !Number.isNaN(momentOf(until))) return [];
    return [{ path: ['until'], message: `there is no such time: ${until}` }];
  },
  run: async (ctx, { for: span, until, file, port, every }, { directory }) => {
    const beganMs = ctx.clock.monotonicMs();
    if (span !== undefined) await ctx.clock.sleep(span, ctx.signal);
    else if (until !== undefined) await sleepUntil(ctx, momentOf(until));
    else if (file !== undefined) await poll(ctx, every, () => existsSync(resolve(directory, file)));
    else if (port !== undefined) await poll(ctx, every, () => accepts(ctx, port));
    return { summary: `waited ${formatDuration(ctx.clock.monotonicMs() - beganMs)}` };
  },
});

function momentOf(until: string): number {
  return Date.parse(until.replace(' ', 'T'));
}

async function sleepUntil({ clock, signal }: Context, endMs: number): Promise<void> {
  const leftMs = endMs - clock.now().getTime();
  if (leftMs > 0) await clock.sleep(leftMs, signal);
}

async function poll(ctx: Context, everyMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await ctx.clock.sleep(everyMs, ctx.signal);
}

async function accepts(ctx: Context, { host, number }: { readonly host: string; readonly number: number }) {
  const socket = connect({ host, port: number, timeout: connectMs });
  socket.once('timeout', () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'connect', { signal: ctx.signal });
    return true;
  } catch {
    ctx.signal.throwIfAborted();
    return false;
  } finally {
    socket.destroy();
  }
}
