import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Answer, type RunningApplication, startApplication } from './application.ts';

let app: RunningApplication;
const mark = randomUUID();
const runs: string[] = [];

before(async () => {
  app = await startApplication();
});
after(async () => {
  try {
    await app.pool.query('delete from public.events where external_id like $1', [`${mark}%`]);
    await app.pool.query('delete from public.venues where name like $1', [`%${mark}`]);
    await app.pool.query('delete from public.ingestion_runs where id = any($1)', [runs]);
    await app.pool.query('refresh materialized view public.event_stats');
  } finally {
    await app[Symbol.asyncDispose]();
  }
});

async function send(source: string, body: unknown): Promise<Answer> {
  const answer = await app.ask('POST', `/ingest/${source}`, {
    body,
    headers: { 'x-ingest-token': app.settings.ingestToken },
  });
  if (answer.status === 200) runs.push(String(answer.body['run']));
  return answer;
}

const event = (id: number) => ({
  id: `${mark}-${id}`,
  name: `Concert ${id}`,
  text: 'quotes " and \\ and 小林',
  begin: '2027-01-01T20:00:00+01:00',
  end: '2027-01-01T22:00:00+01:00',
  place: `Café ${mark}`,
  city: 'Kraków',
  stage: 'outdoors',
});

test('what is sent again changes nothing, what has changed is updated', async () => {
  const events = [event(1), event(2), event(2)];
  const counts = ({ body }: Answer) => [body['inserted'], body['updated'], body['unchanged']];
  assert.deepEqual(counts(await send('cityfeed', events)), [2, 0, 1]);
  assert.deepEqual(counts(await send('cityfeed', events)), [0, 0, 3]);
  assert.deepEqual(counts(await send('cityfeed', [{ ...event(1), name: 'Renamed' }, event(3)])), [1, 1, 0]);
  const { rows } = await app.pool.query(
    `select e.title, e.details, v.city, v.event_count from public.events e join public.venues v on v.id = e.venue_id
     where external_id like $1 order by external_id`,
    [`${mark}%`],
  );
  const where = { details: { stage: 'outdoors' }, city: 'Kraków', event_count: 3 };
  assert.deepEqual(
    rows,
    ['Renamed', 'Concert 2', 'Concert 3'].map((title) => ({ title, ...where })),
  );
});

test('every source is understood in its own way, and told in the statistics', async () => {
  const boxOffice = {
    performances: [
      {
        ref: `${mark}-b`,
        headline: 'Opera',
        startsAt: 1_800_000_000,
        minutes: 150,
        price: 12.5,
        hall: { name: `Hall ${mark}`, town: 'Lisboa' },
      },
    ],
  };
  const listings = `id;title;start;venue;city\r\n${mark}-l;Reading;2027-02-03T19:00:00Z;Cellar ${mark};Berlin\r\n`;
  assert.equal((await send('boxoffice', boxOffice)).body['inserted'], 1);
  assert.equal((await send('listings', listings)).body['inserted'], 1);
  const { rows } = await app.pool.query(
    `select e.source, e.price_cents, e.ends_at - e.starts_at = '150 min' as long, s.events
     from public.events e join public.event_stats s using (source, venue_id)
     where external_id = any($1) order by source`,
    [[`${mark}-b`, `${mark}-l`]],
  );
  assert.deepEqual(rows, [
    { source: 'boxoffice', price_cents: 1250, long: true, events: '1' },
    { source: 'listings', price_cents: null, long: null, events: '1' },
  ]);
});

test('a batch with one bad event leaves nothing behind', async () => {
  const answer = await send('cityfeed', [event(8), { ...event(9), begin: 'soon' }]);
  assert.equal(answer.status, 422);
  assert.equal(answer.body['error'], `event ${mark}-9: "soon" is not a time`);
  const late = await send('cityfeed', [event(8), { ...event(9), end: '2026-01-01T00:00:00Z' }]);
  assert.equal(late.status, 422);
  const { rowCount } = await app.pool.query('select from public.events where external_id = $1', [`${mark}-8`]);
  assert.equal(rowCount, 0);
});

test('an unknown source and a wrong token are refused', async () => {
  assert.equal((await send('rumours', [])).status, 404);
  const answer = await app.ask('POST', '/ingest/cityfeed', { body: [], headers: { 'x-ingest-token': 'guessed' } });
  assert.equal(answer.status, 401);
});
