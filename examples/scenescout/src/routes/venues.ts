import { as } from '../database.ts';
import { HttpError, type Reply } from '../http.ts';
import type { Exchange, Route } from './route.ts';

export const venueRoutes: readonly Route[] = [
  { method: 'GET', path: /^\/venues$/, answer: listVenues },
  { method: 'GET', path: /^\/venues\/(?<id>\d{1,9})\/floor-plan$/, answer: showFloorPlan },
];

async function listVenues({ pool, identity, query }: Exchange): Promise<Reply> {
  const { rows } = await as(pool, identity, (db) =>
    db.query(
      `select id, slug, name, city, capacity, event_count, floor_plan is not null as has_floor_plan
       from public.venues where $1::text is null or city = $1 order by event_count desc, id limit 100`,
      [query.get('city')],
    ),
  );
  return { body: { venues: rows } };
}

async function showFloorPlan({ pool, identity, parameters }: Exchange): Promise<Reply> {
  const { rows } = await as(pool, identity, (db) =>
    db.query<{ plan: Buffer | null }>('select public.venue_floor_plan($1) as plan', [parameters['id']]),
  );
  const plan = rows[0]?.plan ?? undefined;
  if (plan === undefined) throw new HttpError(404, `there is no floor plan of venue ${parameters['id']}`);
  return { body: plan, contentType: 'image/svg+xml' };
}
