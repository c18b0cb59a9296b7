import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import pg from 'pg';
import { anonymous, type Identity } from './database.ts';
import { HttpError, type Reply } from './http.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { ingestRoutes } from './routes/ingest.ts';
import { pageRoutes } from './routes/page.ts';
import type { Application, Route } from './routes/route.ts';
import { userRoutes } from './routes/users.ts';
import { venueRoutes } from './routes/venues.ts';
import { userOfToken } from './sessions.ts';

const routes: readonly Route[] = [
  ...eventRoutes,
  ...venueRoutes,
  ...userRoutes,
  ...ingestRoutes,
  ...healthRoutes,
  ...pageRoutes,
];

/** The HTTP server of an application, not listening yet. */
export function makeServer(application: Application): Server {
  return createServer((request, response) => {
    void respond(application, request, response);
  });
}

async function respond(application: Application, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now();
  const { status = 200, body, contentType } = await answer(application, request);
  response.statusCode = status;
  response.setHeader('content-type', contentType ?? 'application/json; charset=utf-8');
  response.end(body === undefined || body instanceof Buffer ? body : JSON.stringify(body));
  const durationMs = Math.round(performance.now() - started);
  application.logs.write('application', 'request', { method: request.method, url: request.url, status, durationMs });
}

async function answer(application: Application, request: IncomingMessage): Promise<Reply> {
  try {
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    if (url === null) throw new HttpError(400, 'this is no address');
    const here = routes.filter(({ path }) => path.test(url.pathname));
    if (here.length === 0) throw new HttpError(404, `there is nothing at ${url.pathname}`);
    const route = here.find(({ method }) => method === request.method);
    if (route === undefined) throw new HttpError(405, `${request.method} is not for ${url.pathname}`);
    const parameters = { ...route.path.exec(url.pathname)?.groups };
    const identity = identify(application, request);
    return await route.answer({ ...application, request, parameters, query: url.searchParams, identity });
  } catch (error) {
    const said = error instanceof HttpError ? error : translated(error);
    if (said !== undefined) return { status: said.status, body: { error: said.message } };
    application.logs.error('request failed', error, { method: request.method, url: request.url });
    return { status: 500, body: { error: 'something went wrong, and has been noted' } };
  }
}

/** A value that PostgreSQL cannot hold (class 22), e.g. a text with a zero byte, is the fault of who sent it. */
function translated(error: unknown): HttpError | undefined {
  const isValue = error instanceof pg.DatabaseError && error.code?.startsWith('22') === true;
  return isValue ? new HttpError(400, `a value is not valid: ${error.message}`) : undefined;
}

function identify({ settings }: Application, request: IncomingMessage): Identity {
  const [scheme, token = ''] = request.headers.authorization?.split(' ') ?? [];
  if (scheme === undefined) return anonymous;
  const userId = userOfToken(token, settings.sessionSecret);
  if (scheme !== 'Bearer' || userId === undefined)
    throw new HttpError(401, 'the session token is not valid (any more)');
  return { role: 'authenticated', userId };
}
