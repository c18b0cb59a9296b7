import { as } from '../database.ts';
import { HttpError, numberOf, type Reply } from '../http.ts';
import type { Exchange, Route } from './route.ts';

const columns = `e.id, e.source, e.title, e.description, e.status, e.starts_at, e.ends_at, e.price_cents, e.details,
  json_build_object('id', v.id, 'name', v.name, 'city', v.city) as venue`;

export const eventRoutes: readonly Route[] = [
  { method: 'GET', path: /^\/events$/, answer: listEvents },
  { method: 'GET', path: /^\/events\/search$/, answer: searchEvents },
  { method: 'GET', path: /^\/events\/(?<id>\d{1,18})$/, answer: showEvent },
];

/** `?source=&city=&limit=`: what comes next. */
async function listEvents({ pool, identity, query }: Exchange): Promise<Reply> {
  const limit = limitOf(query);
  const { rows } = await as(pool, identity, (db) =>
    db.query(
      `select ${columns} from public.events e join public.venues v on v.id = e.venue_id
       where e.starts_at >= now() and ($1::text is null or e.source = $1) and ($2::text is null or v.city = $2)
       order by e.starts_at, e.id limit $3`,
      [query.get('source'), query.get('city'), limit],
    ),
  );
  return { body: { events: rows } };
}

/** `?q=`: whole words anywhere, or a part of the title; the most similar title first. */
async function searchEvents({ pool, identity, query }: Exchange): Promise<Reply> {
  const wanted = query.get('q')?.trim() ?? '';
  if (wanted === '') throw new HttpError(400, 'q is missing');
  const limit = limitOf(query);
  const { rows } = await as(pool, identity, (db) =>
    db.query(
      `select ${columns} from public.events e join public.venues v on v.id = e.venue_id
       where e.search @@ websearch_to_tsquery('simple', $1) or e.title ilike $2
       order by extensions.similarity(e.title, $1) desc, e.id limit $3`,
      [wanted, `%${wanted.replaceAll(/[\\%_]/g, '\\$&')}%`, limit],
    ),
  );
  return { body: { events: rows } };
}

async function showEvent({ pool, identity, parameters, request }: Exchange): Promise<Reply> {
  const event = await as(pool, identity, async (db) => {
    const { rows } = await db.query(
      `select ${columns} from public.events e join public.venues v on v.id = e.venue_id where e.id = $1`,
      [parameters['id']],
    );
    if (rows.length > 0) {
      const view = 'insert into public.event_views (event_id, referrer) values ($1, $2)';
      await db.query(view, [parameters['id'], request.headers.referer ?? null]);
    }
    return rows[0] as object | undefined;
  });
  if (event === undefined) throw new HttpError(404, `there is no event ${parameters['id']}`);
  return { body: event };
}

function limitOf(query: URLSearchParams): number {
  return numberOf(query.get('limit'), { min: 1, max: 200, otherwise: 20 });
}
