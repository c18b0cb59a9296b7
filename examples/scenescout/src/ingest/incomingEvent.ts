import { HttpError } from '../http.ts';

/** What every source is brought to. */
export interface IncomingEvent {
  readonly externalId: string;
  readonly title: string;
  readonly description: string;
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly priceCents: number | null;
  readonly venue: { readonly name: string; readonly city: string };
  /** What the source says beyond that, as it said it. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** ISO text of a moment; 422 names the event whose time is none. */
export function moment(value: unknown, externalId: string): string {
  const date = typeof value === 'string' || typeof value === 'number' ? new Date(value) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) {
    throw new HttpError(422, `event ${externalId}: "${String(value)}" is not a time`);
  }
  return date.toISOString();
}

/** A text that must be there; 422 names the event and the field. */
export function text(value: unknown, field: string, externalId = '?'): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || value === '') throw new HttpError(422, `event ${externalId}: ${field} is missing`);
  return value;
}

/** 422 names the event that ends before it begins, or costs less than nothing. */
export function checkEvent({ externalId, startsAt, endsAt, priceCents }: IncomingEvent): void {
  if (endsAt !== null && endsAt <= startsAt) throw new HttpError(422, `event ${externalId}: it ends before it begins`);
  if (priceCents !== null && priceCents < 0) throw new HttpError(422, `event ${externalId}: its price is negative`);
}
