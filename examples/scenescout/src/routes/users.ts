import pg from 'pg';
import { as, service } from '../database.ts';
import { HttpError, readJson, type Reply, textOf } from '../http.ts';
import { hashPassword, issueToken, passwordMatches } from '../sessions.ts';
import type { Exchange, Route } from './route.ts';

const uniqueViolation = '23505';
const checkViolation = '23514';
const foreignKeyViolation = '23503';

export const userRoutes: readonly Route[] = [
  { method: 'POST', path: /^\/users$/, answer: register },
  { method: 'POST', path: /^\/sessions$/, answer: logIn },
  { method: 'GET', path: /^\/me$/, answer: showMe },
  { method: 'GET', path: /^\/me\/favourites$/, answer: listFavourites },
  { method: 'PUT', path: /^\/me\/favourites\/(?<id>\d{1,18})$/, answer: addFavourite },
];

async function register({ pool, request }: Exchange): Promise<Reply> {
  const body = await readJson(request);
  const password = textOf(body, 'password');
  if (password.length < 10) throw new HttpError(400, 'the password is shorter than 10 characters');
  const values = [textOf(body, 'email'), await hashPassword(password), { display_name: textOf(body, 'displayName') }];
  const insert = `insert into auth.users (email, encrypted_password, raw_user_meta_data) values ($1, $2, $3) returning id`;
  const { rows } = await translating(
    { [uniqueViolation]: [409, 'this e-mail address is taken'], [checkViolation]: [400, 'this is no e-mail address'] },
    as(pool, service, (db) => db.query<{ id: string }>(insert, values)),
  );
  return { status: 201, body: { id: rows[0]!.id } };
}

async function logIn({ pool, request, settings }: Exchange): Promise<Reply> {
  const body = await readJson(request);
  const { rows } = await as(pool, service, (db) =>
    db.query<{ id: string; encrypted_password: string }>(
      'select id, encrypted_password from auth.users where lower(email) = lower($1)',
      [textOf(body, 'email')],
    ),
  );
  const [user] = rows;
  const matches = await passwordMatches(textOf(body, 'password'), user?.encrypted_password ?? '');
  if (user === undefined || !matches) throw new HttpError(401, 'e-mail address or password is wrong');
  return { status: 201, body: { token: issueToken(user.id, settings.sessionSecret) } };
}

async function showMe(exchange: Exchange): Promise<Reply> {
  const select = 'select id, display_name, created_at from public.users where id = auth.uid()';
  const { rows } = await asUser(exchange, (db) => db.query<{ id: string }>(select));
  if (rows[0] === undefined) throw new HttpError(401, 'this user is gone');
  return { body: rows[0] };
}

async function listFavourites(exchange: Exchange): Promise<Reply> {
  const select = `select e.id, e.title, e.starts_at from public.favourites f join public.events e on e.id = f.event_id
    order by f.created_at desc, e.id`;
  const { rows } = await asUser(exchange, (db) => db.query(select));
  return { body: { favourites: rows } };
}

async function addFavourite(exchange: Exchange): Promise<Reply> {
  const { id } = exchange.parameters;
  await translating(
    { [foreignKeyViolation]: [404, `there is no event ${id}`] },
    asUser(exchange, (db) =>
      db.query('insert into public.favourites (event_id) values ($1) on conflict do nothing', [id]),
    ),
  );
  return { status: 204, body: undefined };
}

function asUser<T>({ pool, identity }: Exchange, work: (db: pg.PoolClient) => Promise<T>): Promise<T> {
  if (identity.userId === undefined) throw new HttpError(401, 'log in first: POST /sessions');
  return as(pool, identity, work);
}

/** Answers of ours for the errors of PostgreSQL that a request can cause, by SQLSTATE. */
async function translating<T>(answers: Readonly<Record<string, [number, string]>>, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const answer = error instanceof pg.DatabaseError ? answers[error.code ?? ''] : undefined;
    throw answer === undefined ? error : new HttpError(...answer);
  }
}
