import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tempDir } from '../../testing/tempDir.ts';
import { headerChecksum } from './tarHeader.ts';
import { type TarEvent, TarReader } from './tarReader.ts';

function readInPieces(archive: Buffer, cuts: readonly number[], terminated = true): TarEvent[] {
  const events: TarEvent[] = [];
  const reader = new TarReader({ terminated, emit: (event) => void events.push(event) });
  const ends = [...cuts.map((cut) => cut % (archive.length + 1)).sort((a, b) => a - b), archive.length];
  let at = 0;
  for (const end of ends) {
    reader.push(archive.subarray(at, end));
    at = end;
  }
  reader.finish();
  return events;
}

function contentsByName(events: readonly TarEvent[]): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  let name = '';
  for (const event of events) {
    if (event.kind === 'entry') contents.set((name = event.entry.name), Buffer.alloc(0));
    if (event.kind === 'data') contents.set(name, Buffer.concat([contents.get(name) ?? Buffer.alloc(0), event.bytes]));
  }
  return contents;
}

async function sampleArchive(): Promise<Buffer> {
  await using directory = await tempDir();
  const longName = 'x'.repeat(100);
  mkdirSync(directory.join('base'));
  writeFileSync(directory.join('base', 'empty'), '');
  writeFileSync(directory.join('base', 'block'), Buffer.alloc(512, 1));
  writeFileSync(directory.join('base', 'odd'), Buffer.alloc(1025, 2), { mode: 0o640 });
  writeFileSync(directory.join(longName), 'long');
  symlinkSync('/srv/fast', directory.join('link'));
  const options = ['--format=ustar', '--sort=name', '--mtime=@1700000000', '--owner=7', '--group=8', '-b1'];
  return execFileSync('tar', ['-cf', '-', '-C', directory.path, ...options, 'base', longName, 'link']);
}

test('an archive of GNU tar is read, however it is cut', async () => {
  const archive = await sampleArchive();
  const whole = readInPieces(archive, []);
  const entries = whole.flatMap((event) => (event.kind === 'entry' ? [event.entry] : []));
  expect(entries.map(({ name, type, sizeBytes, linkTarget }) => [name, type, sizeBytes, linkTarget])).toEqual([
    ['base', 'directory', 0, undefined],
    ['base/block', 'file', 512, undefined],
    ['base/empty', 'file', 0, undefined],
    ['base/odd', 'file', 1025, undefined],
    ['x'.repeat(100), 'file', 4, undefined],
    ['link', 'symlink', 0, '/srv/fast'],
  ]);
  expect(entries[3]).toMatchObject({ mode: 0o640, uid: 7, gid: 8, mtimeSeconds: 1_700_000_000 });
  expect(whole.filter((event) => event.kind === 'entry-end')).toHaveLength(entries.length);
  expect(contentsByName(whole).get('base/odd')).toEqual(Buffer.alloc(1025, 2));
  fc.assert(
    fc.property(fc.array(fc.nat()), (cuts) => {
      expect(contentsByName(readInPieces(archive, cuts))).toEqual(contentsByName(whole));
    }),
    { numRuns: 300 },
  );
});

test('every flipped bit of a header is noticed', async () => {
  const archive = await sampleArchive();
  fc.assert(
    fc.property(fc.nat(511), fc.nat(7), (byte, bit) => {
      const damaged = Buffer.from(archive);
      damaged[byte] = (damaged[byte] ?? 0) ^ (1 << bit);
      const inChecksumItself = byte >= 148 && byte < 156; // a leading zero may become a blank
      if (!inChecksumItself) expect(() => readInPieces(damaged, [])).toThrow('archive has');
    }),
  );
});

test('an archive that was cut short is noticed', async () => {
  const archive = await sampleArchive();
  const end = archive.length - 1024;
  expect(() => readInPieces(archive.subarray(0, end), [])).toThrow('cut short');
  expect(() => readInPieces(archive.subarray(0, end), [], false)).not.toThrow();
  expect(() => readInPieces(archive.subarray(0, 512 * 2 + 100), [], false)).toThrow('cut short');
  expect(() => readInPieces(Buffer.concat([archive, archive]), [])).toThrow('after its end');
});

test('a size beyond eleven octal digits is read in base 256', async () => {
  const header = Buffer.from((await sampleArchive()).subarray(512, 1024));
  header.fill(0, 124, 136);
  header[124] = 0x80;
  header.writeBigUInt64BE(9_000_000_000n, 128);
  header.write(`${headerChecksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const events: TarEvent[] = [];
  new TarReader({ terminated: true, emit: (event) => void events.push(event) }).push(header);
  expect(events).toMatchObject([{ kind: 'entry', entry: { sizeBytes: 9_000_000_000 } }]);
});
