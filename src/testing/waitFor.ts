import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** For the error message: what did not happen. */
  readonly what: string;
  /** Default 60 seconds. */
  readonly timeoutMs?: number;
}

/** Polls until the condition gives something other than false or undefined, and returns that. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, false | undefined>> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${options.what}`);
    await delay(20);
  }
}
