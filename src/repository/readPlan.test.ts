import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jobWords } from './blobConsumer.ts';
import { BlobTable, plainLength } from './blobTable.ts';
import { planReads } from './readPlan.ts';

const packId = (pack: number) => `pack ${pack}`;

/** A table with blobs one behind the other in a few packs. */
function tableOf(lengths: readonly (readonly number[])[]): BlobTable {
  const table = BlobTable.create(1000);
  lengths.forEach((blobs, pack) => {
    let offset = 0;
    blobs.forEach((length, index) => {
      const entry = table.claim(Uint32Array.of(pack * 1000 + index, 1, 2, 3, 4, 5, 6, 7));
      table.setLocation(entry, { pack, offset, length: length + 32, rawLength: length * 2 });
      offset += length + 32;
    });
  });
  return table;
}

test('every want that is not skipped is read once, by pack and offset, equal blobs in one job', () => {
  const packs = fc.array(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 5,
  });
  const wanted = fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(packs, wanted, fc.integer({ min: 1, max: 200 }), (lengths, wants, jobBytes) => {
      const table = tableOf(lengths);
      const entries = Uint32Array.from(wants, ([pick]) => pick % table.size);
      const skip = Uint8Array.from(wants, ([, skipped]) => (skipped ? 1 : 0));
      const plan = planReads(table, { entries, skip, jobBytes, packId });

      const expected = wants.flatMap(([, skipped], want) => (skipped ? [] : [want]));
      expect(Array.from(plan.order).toSorted((a, b) => a - b)).toEqual(expected);

      let end = 0;
      const seen = new Set<number>();
      for (let job = 0; job < plan.jobs.length; job += jobWords) {
        const [pack, first, next] = plan.jobs.subarray(job, job + jobWords) as unknown as [number, number, number];
        expect(first).toBe(end);
        expect(next).toBeGreaterThan(first);
        end = next;
        const inJob = Array.from(plan.order.subarray(first, next), (want) => entries[want]!);
        const places = inJob.map((entry) => table.location(entry)!);
        expect(new Set(places.map((place) => packId(place.pack)))).toEqual(new Set([plan.packIds[pack]]));
        expect(places.map((place) => place.offset)).toEqual(
          places.map((place) => place.offset).toSorted((a, b) => a - b),
        );
        const blobs = [...new Set(inJob)];
        for (const entry of blobs) expect(seen.has(entry)).toBe(false);
        blobs.forEach((entry) => seen.add(entry));
        const allButLast = blobs.slice(0, -1).reduce((sum, entry) => sum + plainLength(table.location(entry)!), 0);
        expect(allButLast).toBeLessThan(jobBytes);
      }
      expect(end).toBe(plan.order.length);
    }),
  );
});

test('a blob wanted at several places keeps the order of the places', () => {
  const table = tableOf([[10, 10]]);
  const plan = planReads(table, { entries: Uint32Array.of(1, 0, 1, 0, 1), jobBytes: 1000, packId });
  expect(Array.from(plan.order)).toEqual([1, 3, 0, 2, 4]);
  expect(Array.from(plan.jobs)).toEqual([0, 0, 5]);
});
