import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningApplication, startApplication } from './application.ts';

let app: RunningApplication;
const email = `${randomUUID()}@test.example`;
const password = 'ten characters or more';

before(async () => {
  app = await startApplication();
});
after(async () => {
  try {
    await app.pool.query('delete from auth.users where email = $1', [email]);
  } finally {
    await app[Symbol.asyncDispose]();
  }
});

test('health names the version of the schema and the age of the data', async () => {
  const { status, body } = await app.ask('GET', '/health');
  assert.equal(status, 200);
  const checks = body['checks'] as Record<string, Record<string, unknown>>;
  assert.equal(checks['database']?.['verdict'], 'ok');
  assert.equal(checks['migrations']?.['verdict'], 'ok');
  assert.match(String(checks['migrations']?.['version']), /^\d{14}$/);
  assert.notEqual(checks['freshness']?.['verdict'], 'down');
});

test('the search finds words, parts of titles, and nothing for a wildcard', async () => {
  const events = async (q: string) => {
    const { body } = await app.ask('GET', `/events/search?q=${encodeURIComponent(q)}`);
    return body['events'] as { title: string }[];
  };
  const [known] = (
    await app.pool.query<{ title: string }>(
      `select title from public.events where status = 'published' order by id limit 1`,
    )
  ).rows;
  assert.ok(known, 'the database holds no events');
  assert.equal((await events(known.title))[0]?.title, known.title);
  assert.ok((await events(known.title.slice(1, 6))).length > 0);
  assert.deepEqual(await events('100%_\\'), []);
  assert.equal((await app.ask('GET', '/events/search')).status, 400);
});

test('an event that is shown is a view that is counted; a draft is not there', async () => {
  const { rows } = await app.pool.query<{ id: string; status: string }>(
    `(select id, status from public.events where status = 'published' order by id limit 1)
     union all (select id, status from public.events where status = 'draft' order by id limit 1)`,
  );
  const [published, draft] = rows;
  const referrer = `https://test.example/${randomUUID()}`;
  const shown = await app.ask('GET', `/events/${published?.id}`, { headers: { referer: referrer } });
  assert.equal(shown.status, 200);
  assert.equal(shown.body['id'], published?.id);
  const counted = await app.pool.query('delete from public.event_views where referrer = $1 returning event_id', [
    referrer,
  ]);
  assert.deepEqual(counted.rows, [{ event_id: published?.id }]);
  assert.equal((await app.ask('GET', `/events/${draft?.id}`)).status, 404);
});

test('a floor plan is a drawing', async () => {
  const { rows } = await app.pool.query<{ id: number }>(
    'select id from public.venues where floor_plan is not null order by id limit 1',
  );
  const response = await fetch(`${app.url}/venues/${rows[0]?.id}/floor-plan`);
  assert.equal(response.headers.get('content-type'), 'image/svg+xml');
  assert.match(await response.text(), /^<svg .*<\/svg>$/);
});

test('a user registers, logs in and keeps favourites', async () => {
  const account = { email, password, displayName: 'Test O\'Brien "Ünï"' };
  assert.equal((await app.ask('POST', '/users', { body: account })).status, 201);
  assert.equal((await app.ask('POST', '/users', { body: account })).status, 409);
  assert.equal((await app.ask('POST', '/sessions', { body: { email, password: 'wrong' } })).status, 401);
  const session = await app.ask('POST', '/sessions', { body: { email, password } });
  const headers = { authorization: `Bearer ${String(session.body['token'])}` };
  assert.equal((await app.ask('GET', '/me', { headers })).body['display_name'], account.displayName);
  const { body } = await app.ask('GET', '/events?limit=1');
  const [event] = body['events'] as { id: string; title: string }[];
  assert.ok(event, 'no event is to come');
  assert.equal((await app.ask('PUT', `/me/favourites/${event.id}`, { headers })).status, 204);
  assert.equal((await app.ask('PUT', '/me/favourites/999999999999', { headers })).status, 404);
  const favourites = (await app.ask('GET', '/me/favourites', { headers })).body['favourites'] as { title: string }[];
  assert.deepEqual(
    favourites.map(({ title }) => title),
    [event.title],
  );
});

test('what is asked wrongly is answered so, and every request is written down', async () => {
  assert.equal((await app.ask('GET', '/nowhere')).status, 404);
  assert.equal((await app.ask('DELETE', '/events')).status, 405);
  assert.equal((await app.ask('GET', '/me')).status, 401);
  assert.equal((await app.ask('GET', '/me', { headers: { authorization: 'Bearer x.9.y' } })).status, 401);
  assert.equal((await app.ask('POST', '/users', { body: 'no JSON' })).status, 400);
  assert.equal((await app.ask('GET', '/events/search?q=%00')).status, 400);
  assert.equal((await app.ask('GET', '//')).status, 400);
  const requests = readFileSync(join(app.logDirectory, 'application.log'), 'utf8').trim().split('\n');
  const statuses = requests.map((line) => (JSON.parse(line) as { status: number }).status);
  assert.deepEqual(statuses.slice(-7), [404, 405, 401, 401, 400, 400, 400]);
});
