import type pg from 'pg';
import type { IncomingEvent } from './incomingEvent.ts';

export interface IngestionResult {
  readonly run: string;
  readonly received: number;
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
}

/** Stores what a source sent; sent again, nothing changes. An event is known by its source and the id it has there. */
export async function storeEvents(
  db: pg.PoolClient,
  source: string,
  events: IncomingEvent[],
): Promise<IngestionResult> {
  const distinct = [...new Map(events.map((event) => [event.externalId, event])).values()];
  const counts = { inserted: 0, updated: 0, unchanged: events.length - distinct.length };
  for (const event of distinct) counts[await storeEvent(db, source, event)]++;
  const result = { received: events.length, ...counts };
  const { rows } = await db.query<{ id: string }>(
    `insert into public.ingestion_runs (source, finished_at, received, inserted, updated, unchanged)
     values ($1, clock_timestamp(), $2, $3, $4, $5) returning id`,
    [source, result.received, result.inserted, result.updated, result.unchanged],
  );
  if (result.inserted + result.updated > 0) await db.query('refresh materialized view public.event_stats');
  return { run: rows[0]!.id, ...result };
}

async function storeEvent(
  db: pg.PoolClient,
  source: string,
  event: IncomingEvent,
): Promise<'inserted' | 'updated' | 'unchanged'> {
  const venueId = await venueOf(db, event.venue);
  const { rows } = await db.query<{ inserted: boolean }>(
    `insert into public.events as e
       (source, external_id, venue_id, title, description, starts_at, ends_at, price_cents, details)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (source, external_id) do update set venue_id = excluded.venue_id, title = excluded.title,
       description = excluded.description, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
       price_cents = excluded.price_cents, details = excluded.details
     where (e.venue_id, e.title, e.description, e.starts_at, e.ends_at, e.price_cents, e.details)
       is distinct from (excluded.venue_id, excluded.title, excluded.description, excluded.starts_at, excluded.ends_at,
                         excluded.price_cents, excluded.details)
     returning xmax = 0 as inserted`,
    [
      source,
      event.externalId,
      venueId,
      event.title,
      event.description,
      event.startsAt,
      event.endsAt,
      event.priceCents,
      event.details,
    ],
  );
  const [row] = rows;
  return row === undefined ? 'unchanged' : row.inserted ? 'inserted' : 'updated';
}

async function venueOf(db: pg.PoolClient, venue: IncomingEvent['venue']): Promise<number> {
  const slug = slugOf(`${venue.name} ${venue.city}`);
  await db.query('insert into public.venues (slug, name, city) values ($1, $2, $3) on conflict (slug) do nothing', [
    slug,
    venue.name,
    venue.city,
  ]);
  const { rows } = await db.query<{ id: number }>('select id from public.venues where slug = $1', [slug]);
  return rows[0]!.id;
}

/** `Müller's Café` becomes `muller-s-cafe`. */
function slugOf(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const slug = plain.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
  return slug === '' ? 'venue' : slug;
}
