// needs PostgreSQL's client programs
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedBinaries, embeddedMajors, Scratch } from './fixture/cluster.ts';
import { defaultPageBytes, inspectPage } from './pageHeader.ts';

const relationPath = /^(base\/\d+|global)\/\d+(_(fsm|vm|init))?(\.\d+)?$/;

test.each(embeddedMajors)('every page of a new PostgreSQL %d cluster with checksums is valid', (major) => {
  using scratch = new Scratch();
  const dataDirectory = scratch.initdb(embeddedBinaries(major), 'data', ['--data-checksums']);
  let pages = 0;
  for (const path of readdirSync(dataDirectory, { recursive: true, encoding: 'utf8' })) {
    if (!relationPath.test(path)) continue;
    const bytes = readFileSync(join(dataDirectory, path));
    for (let block = 0; block * defaultPageBytes < bytes.byteLength; block++, pages++) {
      const page = bytes.subarray(block * defaultPageBytes, (block + 1) * defaultPageBytes);
      expect(inspectPage(page, block, true), `${path} block ${block}`).toMatch(/^(valid|new)$/);
    }
  }
  expect(pages).toBeGreaterThan(2000);
});
