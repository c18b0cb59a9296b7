import { expect, test } from 'vitest';
import { parseSnapshotDocument, serializeSnapshotDocument } from './snapshotDocument.ts';

const id = 'ab'.repeat(32);
const tree = 'cd'.repeat(32);
const full =
  `{"time":"2026-11-22T08:33:31.012345678+01:00","parent":"${id}","tree":"${tree}","paths":["/base/\\u003cx\\u003e"],` +
  '"hostname":"db1","username":"postgres","uid":70,"gid":71,"excludes":["*.tmp"],"tags":["pg","a \\u0026 b"],' +
  `"original":"${id}","program_version":"restic 0.19.1","summary":{"backup_start":"2026-11-22T08:33:31+01:00",` +
  '"backup_end":"2026-11-22T08:34:31+01:00","files_new":1,"files_changed":2,"files_unmodified":3,"dirs_new":4,' +
  '"dirs_changed":5,"dirs_unmodified":6,"data_blobs":7,"tree_blobs":8,"data_added":9,"data_added_packed":10,' +
  '"total_files_processed":11,"total_bytes_processed":12,"command":"x"},"label":"","big":18446744073709551615,' +
  '"nested":{"a":[null,1.5]}}';

test('everything survives in restic’s order, unknown members too', () => {
  const document = parseSnapshotDocument(Buffer.from(full), id);
  expect(serializeSnapshotDocument(document).toString()).toBe(full);
  expect(document).toMatchObject({ hostname: 'db1', tags: ['pg', 'a & b'], programVersion: 'restic 0.19.1' });
  expect(document.time.offsetMinutes).toBe(60);
  expect(document.summary?.totalBytesProcessed).toBe(12);
  expect(document.unknownFields?.['big']).toBe(18446744073709551615n);
});

test('what restic omits is empty, and omitted again', () => {
  const minimal = `{"time":"2026-11-22T08:33:31Z","tree":"${tree}","paths":["/x"]}`;
  const document = parseSnapshotDocument(Buffer.from(minimal), id);
  expect(document).toMatchObject({ hostname: '', username: '', uid: 0, tags: [], excludes: [] });
  expect(document.parent).toBeUndefined();
  expect(serializeSnapshotDocument(document).toString()).toBe(minimal);
});

test('null members are absent', () => {
  const json = `{"time":"2026-11-22T08:33:31Z","tree":"${tree}","paths":null,"tags":null,"parent":null,"summary":null}`;
  expect(parseSnapshotDocument(Buffer.from(json), id)).toMatchObject({ paths: [], tags: [] });
});

test.each([
  ['not JSON', '{'],
  ['not an object', '[]'],
  ['null', 'null'],
  ['not UTF-8', '\xff'],
  ['no time', `{"tree":"${tree}"}`],
  ['a wrong time', `{"time":"today","tree":"${tree}"}`],
  ['no tree', '{"time":"2026-11-22T08:33:31Z"}'],
  ['a null tree', '{"time":"2026-11-22T08:33:31Z","tree":null}'],
  ['paths that are no list', `{"time":"2026-11-22T08:33:31Z","tree":"${tree}","paths":"/x"}`],
  ['tags that are no strings', `{"time":"2026-11-22T08:33:31Z","tree":"${tree}","tags":[1]}`],
  ['a negative uid', `{"time":"2026-11-22T08:33:31Z","tree":"${tree}","uid":-1}`],
  ['a host that is no string', `{"time":"2026-11-22T08:33:31Z","tree":"${tree}","hostname":{}}`],
  ['a summary that is no object', `{"time":"2026-11-22T08:33:31Z","tree":"${tree}","summary":[]}`],
])('refused: %s', (_name, json) => {
  expect(() => parseSnapshotDocument(Buffer.from(json, 'latin1'), id)).toThrow(
    /^(the summary of )?snapshot abababab is damaged/,
  );
});
