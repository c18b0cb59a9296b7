import { askLocally } from './localSocket.ts';

/** Every request; the service's own kinds have more fields. */
export interface ServiceRequest {
  readonly kind: string;
  readonly origin?: string;
}

/** The answer to a request of another origin, after which the process ends and makes room. */
export const otherOrigin = 'other-origin';

/** Where a background process listens. */
export interface ServicePlace {
  readonly directory: string;
  readonly name: string;
}

/**
 * The answer of the background process there, undefined when none serves this request's origin. Throws what it answered
 * with. This module loads almost nothing: it runs once a segment.
 */
export async function askService(place: ServicePlace, request: ServiceRequest, signal: AbortSignal): Promise<unknown> {
  const reply = await askLocally(place, request, signal);
  return reply === undefined || reply.answer === otherOrigin ? undefined : reply.answer;
}

/** State of a background process, undefined when there is none. */
export async function serviceState<State>(place: ServicePlace, signal: AbortSignal): Promise<State | undefined> {
  return (await askService(place, { kind: 'state' }, signal)) as State | undefined;
}

/** Asks a background process to end when it has done what it is doing; nothing happens when there is none. */
export async function stopService(place: ServicePlace, signal: AbortSignal): Promise<void> {
  await askService(place, { kind: 'stop' }, signal);
}
