import { as, service } from '../database.ts';
import { HttpError, readText, type Reply } from '../http.ts';
import { checkEvent } from '../ingest/incomingEvent.ts';
import { sources } from '../ingest/sources.ts';
import { storeEvents } from '../ingest/storeEvents.ts';
import { equalTexts } from '../sessions.ts';
import type { Exchange, Route } from './route.ts';

export const ingestRoutes: readonly Route[] = [
  { method: 'POST', path: /^\/ingest\/(?<source>[\w-]+)$/, answer: ingest },
];

/** All of what a source sends is stored, or nothing. */
async function ingest({ pool, logs, request, parameters, settings }: Exchange): Promise<Reply> {
  const shown = request.headers['x-ingest-token'];
  if (typeof shown !== 'string' || !equalTexts(shown, settings.ingestToken)) {
    throw new HttpError(401, 'the header X-Ingest-Token is missing or wrong');
  }
  const source = parameters['source']!;
  const parse = sources.get(source);
  if (parse === undefined) throw new HttpError(404, `there is no source ${source}: ${[...sources.keys()].join(', ')}`);
  const events = parse(await readText(request));
  events.forEach(checkEvent);
  const result = await as(pool, service, async (db) => {
    await db.query('select public.ensure_event_views_partition(now())');
    return storeEvents(db, source, events);
  });
  logs.write('ingestion', 'ingested', { source, ...result });
  return { body: { source, ...result } };
}
