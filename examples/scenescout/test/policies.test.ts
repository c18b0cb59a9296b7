import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { anonymous, as, openPool, service } from '../src/database.ts';
import { loadSettings } from '../src/settings.ts';

let pool: pg.Pool;
const [alice, bob] = [randomUUID(), randomUUID()];
const denied = { code: '42501' };

before(async () => {
  pool = openPool(loadSettings().databaseUrl);
  const insert = `insert into auth.users (id, email, encrypted_password) values ($1, $2, 'none')`;
  for (const id of [alice, bob]) await pool.query(insert, [id, `${id}@test.example`]);
});
after(async () => {
  try {
    await pool.query('delete from auth.users where id = any($1)', [[alice, bob]]);
  } finally {
    await pool.end();
  }
});

const user = (userId: string) => ({ role: 'authenticated', userId }) as const;

test('credentials are for the service alone', async () => {
  for (const identity of [anonymous, user(alice)]) {
    await assert.rejects(
      as(pool, identity, (db) => db.query('select from auth.users')),
      denied,
    );
  }
  const { rowCount } = await as(pool, service, (db) => db.query('select from auth.users where id = $1', [alice]));
  assert.equal(rowCount, 1);
});

test('drafts are invisible, and nobody but the service writes events', async () => {
  const count = 'select count(*)::int as count from public.events where status = $1';
  const seen = await as(pool, anonymous, (db) => db.query(count, ['draft']));
  assert.deepEqual(seen.rows, [{ count: 0 }]);
  const { rows } = await as(pool, service, (db) => db.query<{ count: number }>(count, ['draft']));
  assert.ok(rows[0]!.count > 0, 'the database holds no drafts');
  await assert.rejects(
    as(pool, user(alice), (db) => db.query(`update public.events set title = ''`)),
    denied,
  );
});

test('favourites are seen and made by their user alone', async () => {
  const { rows } = await pool.query<{ id: string }>('select id from public.events order by id limit 1');
  const event = rows[0]?.id;
  const insert = 'insert into public.favourites (user_id, event_id) values ($1, $2)';
  await as(pool, user(alice), (db) => db.query(insert, [alice, event]));
  await assert.rejects(
    as(pool, user(bob), (db) => db.query(insert, [alice, event])),
    denied,
  );
  const mine = 'select user_id from public.favourites';
  assert.deepEqual((await as(pool, user(alice), (db) => db.query(mine))).rows, [{ user_id: alice }]);
  assert.deepEqual((await as(pool, user(bob), (db) => db.query(mine))).rows, []);
});

test('a profile is made with the account and renamed by its user alone', async () => {
  const rename = 'update public.users set display_name = $1 where id = $2';
  const own = await as(pool, user(alice), (db) => db.query(rename, ['Alice', alice]));
  const foreign = await as(pool, user(alice), (db) => db.query(rename, ['Mallory', bob]));
  assert.deepEqual([own.rowCount, foreign.rowCount], [1, 0]);
});
