import type { Clock } from '../base/clock.ts';
import type { Progress, ProgressAmount } from '../base/progress.ts';
import { formatBytes, formatCount, formatDuration, formatPercent } from './format.ts';
import { jsonLine } from './jsonLine.ts';
import { PhaseMeter, type PhaseState } from './phaseMeter.ts';
import type { Terminal } from './terminal.ts';

/** Progress that somebody must end: a timer redraws it, and the last phase has to be closed. */
export interface RunningProgress extends Progress {
  /** Ends the current phase. `completed` false leaves out its summary. */
  end(completed: boolean): void;
}

export interface ProgressOptions {
  readonly terminal: Terminal;
  readonly clock: Clock;
}

const redrawEveryMs = 100;
const plainEveryMs = 5_000;
const jsonEveryMs = 1_000;

/** A line on the screen redrawn ten times a second; where there is no screen, a line every five seconds. */
export function progressBar({ terminal, clock }: ProgressOptions): RunningProgress {
  const interactive = terminal.interactive;
  return runningProgress({
    clock,
    everyMs: interactive ? redrawEveryMs : plainEveryMs,
    show: (state) => {
      if (interactive) terminal.setStatus([progressLine(state)]);
      else terminal.error(`${progressLine(state)}\n`);
    },
    complete: (state) => {
      terminal.setStatus([]);
      terminal.error(`${summaryLine(state)}\n`);
    },
    abandon: () => terminal.setStatus([]),
    note: (message) => terminal.error(`${message}\n`),
  });
}

/** A `status` object a second on standard output. */
export function jsonProgress({ terminal, clock }: ProgressOptions): RunningProgress {
  const show = (state: PhaseState) => terminal.out(jsonLine('status', statusFields(state)));
  return runningProgress({
    clock,
    everyMs: jsonEveryMs,
    show,
    complete: show,
    abandon: () => undefined,
    note: (message) => terminal.out(jsonLine('note', { message })),
  });
}

/** Says nothing, except what must stay on the screen. */
export function quietProgress(): RunningProgress {
  return { phase: () => undefined, advance: () => undefined, note: () => undefined, end: () => undefined };
}

interface ProgressDisplay {
  readonly clock: Clock;
  readonly everyMs: number;
  show(state: PhaseState): void;
  complete(state: PhaseState): void;
  abandon(): void;
  note(message: string): void;
}

function runningProgress(display: ProgressDisplay): RunningProgress {
  let meter: PhaseMeter | undefined;
  let shownMs = display.clock.monotonicMs();
  let timer: NodeJS.Timeout | undefined;
  const showIfDue = () => {
    const nowMs = display.clock.monotonicMs();
    if (meter === undefined || nowMs - shownMs < display.everyMs) return;
    shownMs = nowMs;
    display.show(meter.state());
  };
  const end = (completed: boolean) => {
    clearInterval(timer);
    if (meter !== undefined && completed) display.complete(meter.state());
    else display.abandon();
    meter = undefined;
  };
  return {
    phase(name: string, total: ProgressAmount = {}) {
      if (meter !== undefined) end(true);
      meter = new PhaseMeter(name, total, display.clock);
      timer = setInterval(showIfDue, display.everyMs).unref();
    },
    advance(amount) {
      meter?.advance(amount);
      showIfDue();
    },
    note: (message) => display.note(message),
    end,
  };
}

function progressLine(state: PhaseState): string {
  const { name, done, total, bytesPerSecond, remainingMs, elapsedMs } = state;
  const parts = [name];
  if (total.bytes !== undefined) parts.push(formatPercent(done.bytes, total.bytes));
  else if (total.items !== undefined) parts.push(formatPercent(done.items, total.items));
  parts.push(...amounts(state));
  if (bytesPerSecond !== undefined) parts.push(`${formatBytes(bytesPerSecond)}/s`);
  if (remainingMs !== undefined) parts.push(`ETA ${formatDuration(remainingMs)}`);
  parts.push(`elapsed ${formatDuration(elapsedMs)}`);
  return parts.join('  ');
}

function amounts({ done, total }: PhaseState): string[] {
  const parts: string[] = [];
  if (done.bytes > 0 || total.bytes !== undefined) parts.push(outOf(done.bytes, total.bytes, formatBytes));
  if (done.items > 0 || total.items !== undefined) parts.push(outOf(done.items, total.items, formatCount));
  return parts;
}

function outOf(done: number, total: number | undefined, format: (value: number) => string): string {
  return total === undefined ? format(done) : `${format(done)} / ${format(total)}`;
}

function summaryLine({ name, done, elapsedMs }: PhaseState): string {
  const amount =
    done.bytes > 0 ? `${formatBytes(done.bytes)} in ` : done.items > 0 ? `${formatCount(done.items)} in ` : '';
  const rate = done.bytes > 0 && elapsedMs > 0 ? ` (${formatBytes((done.bytes / elapsedMs) * 1000)}/s)` : '';
  return `${name}: ${amount}${formatDuration(elapsedMs)}${rate}`;
}

function statusFields({ name, done, total, elapsedMs, bytesPerSecond, remainingMs }: PhaseState) {
  const [part, whole] = total.bytes === undefined ? [done.items, total.items] : [done.bytes, total.bytes];
  return {
    phase: name,
    ...(whole === undefined ? {} : { percent_done: whole === 0 ? 1 : Math.min(1, part / whole) }),
    bytes_done: done.bytes,
    ...(total.bytes === undefined ? {} : { total_bytes: total.bytes }),
    items_done: done.items,
    ...(total.items === undefined ? {} : { total_items: total.items }),
    seconds_elapsed: elapsedMs / 1000,
    ...(bytesPerSecond === undefined ? {} : { bytes_per_second: Math.round(bytesPerSecond) }),
    ...(remainingMs === undefined ? {} : { seconds_remaining: remainingMs / 1000 }),
  };
}
