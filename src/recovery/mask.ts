import type { Secret } from '../base/secret.ts';
import { mapTexts } from './parameters.ts';
import type { RunEvent } from './runEvent.ts';

/** Shorter parts of a secret are not masked by themselves: they would be found in every other word. */
const shortestPart = 3;
const replacement = '[redacted]';

/** Removes secrets from what a step prints or says. */
export interface Mask {
  text(text: string): string;
  /**
   * As `text`, for what programs and people said in an event. What the engine reads (its type, the step, the verdict)
   * stays: a password may be a part of these words.
   */
  event(event: RunEvent): RunEvent;
}

/**
 * A mask for these secrets: the whole value, each of its lines, and of a URI the password in it, as written and
 * decoded.
 */
export function createMask(secrets: Iterable<Secret>): Mask {
  const parts = [...new Set([...secrets].flatMap((secret) => partsOf(secret.reveal())))].sort(
    (one, other) => other.length - one.length,
  );
  const text = (line: string): string => parts.reduce((masked, part) => masked.replaceAll(part, replacement), line);
  const free = <Value>(value: Value): Value => mapTexts(value, text) as Value;
  const event = (clear: RunEvent): RunEvent => {
    if (clear.type === 'step-succeeded') return { ...clear, summary: text(clear.summary), facts: free(clear.facts) };
    if (clear.type === 'step-failed') return { ...clear, error: { ...free(clear.error), code: clear.error.code } };
    return 'reason' in clear ? { ...clear, by: text(clear.by), reason: text(clear.reason) } : clear;
  };
  return { text, event };
}

function partsOf(secret: string): string[] {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*?:([^/?#@]+)@/i.exec(secret)?.[1];
  const parameter = /[?&]password=([^&#]+)/.exec(secret)?.[1];
  const inside = [password, parameter].flatMap((found) => (found === undefined ? [] : [found, decoded(found)]));
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  return [secret, encodeURIComponent(secret), ...lines, ...inside].filter((part) => part.length >= shortestPart);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
