import type { IncomingMessage } from 'node:http';
import type pg from 'pg';
import type { Identity } from '../database.ts';
import type { Reply } from '../http.ts';
import type { LogFiles } from '../logFiles.ts';
import type { Settings } from '../settings.ts';

/** What the whole process shares. */
export interface Application {
  readonly settings: Settings;
  readonly pool: pg.Pool;
  readonly logs: LogFiles;
}

export interface Exchange extends Application {
  readonly request: IncomingMessage;
  /** Named groups of the route's path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Who asks: anonymous, or the user of a valid session token. */
  readonly identity: Identity;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (exchange: Exchange) => Promise<Reply>;
}
