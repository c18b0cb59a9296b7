import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { HttpError, type Reply } from '../http.ts';
import { projectDirectory } from '../settings.ts';
import type { Exchange, Route } from './route.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

export const pageRoutes: readonly Route[] = [
  { method: 'GET', path: /^\/(?<file>[a-z]+\.(html|js|css))?$/, answer: showPage },
];

/** The front end, as `npm run build` made it. */
async function showPage({ parameters }: Exchange): Promise<Reply> {
  const file = parameters['file'] ?? 'index.html';
  try {
    const body = await readFile(join(projectDirectory, 'dist/web', file));
    return { body, contentType: contentTypes[extname(file)] ?? 'application/octet-stream' };
  } catch {
    throw new HttpError(404, `there is no page ${file}: npm run build makes it`);
  }
}
