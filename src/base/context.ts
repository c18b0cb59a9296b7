import { systemClock, type Clock } from './clock.ts';
import { silentLog, type Log } from './log.ts';

/** First parameter of everything that does input or output. Three fields, never more. */
export interface Context {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock: Clock;
}

/** A context with defaults: never aborted, silent, the system's clock. */
export function createContext(parts: Partial<Context> = {}): Context {
  return {
    signal: parts.signal ?? new AbortController().signal,
    log: parts.log ?? silentLog,
    clock: parts.clock ?? systemClock,
  };
}
