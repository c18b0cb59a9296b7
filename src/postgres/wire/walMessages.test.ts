import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLsn, toLsn } from '../lsn.ts';
import { type Keepalive, type WalChunk, WalMessageDecoder, encodeStatus } from './walMessages.ts';

const micros = 800_000_000_123_456n;

function walMessage(payload: Buffer): Buffer {
  const head = Buffer.alloc(25);
  head[0] = 0x77;
  head.writeBigUInt64BE(parseLsn('FFFFFFFF/FFFFFF00'), 1);
  head.writeBigUInt64BE(parseLsn('FFFFFFFF/FFFFFFFF'), 9);
  head.writeBigInt64BE(micros, 17);
  return Buffer.concat([head, payload]);
}

function keepalive(replyRequested: boolean): Buffer {
  const body = Buffer.alloc(18);
  body[0] = 0x6b;
  body.writeBigUInt64BE(0x16b374d848n, 1);
  body.writeBigInt64BE(micros, 9);
  body[17] = replyRequested ? 1 : 0;
  return body;
}

function decodeInPieces(message: Buffer, cuts: readonly number[]) {
  const keepalives: Keepalive[] = [];
  const chunks: WalChunk[] = [];
  const decoder = new WalMessageDecoder((one) => void keepalives.push(one));
  const ends = [...new Set([...cuts.map((cut) => 1 + (cut % message.length)), message.length])].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    const chunk = decoder.decode(message.subarray(at, end), at, message.length);
    if (chunk !== undefined) chunks.push(chunk);
    at = end;
  }
  return { keepalives, chunks };
}

test('WAL keeps its positions and its bytes, however the message is cut', () => {
  const payload = Buffer.from(Array.from({ length: 200 }, (_, i) => i));
  fc.assert(
    fc.property(fc.array(fc.nat()), (cuts) => {
      const { chunks, keepalives } = decodeInPieces(walMessage(payload), cuts);
      let at = parseLsn('FFFFFFFF/FFFFFF00') as bigint;
      for (const chunk of chunks) {
        expect(chunk.walStart).toBe(at);
        expect(chunk.serverTime).toEqual(new Date('2025-05-08T06:13:20.123Z'));
        at += BigInt(chunk.payload.length);
      }
      expect(Buffer.concat(chunks.map((chunk) => chunk.payload))).toEqual(payload);
      expect(keepalives).toEqual([]);
    }),
  );
});

test('keepalives are told, however they are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.boolean(), (cuts, replyRequested) => {
      const { chunks, keepalives } = decodeInPieces(keepalive(replyRequested), cuts);
      expect(chunks).toEqual([]);
      expect(keepalives).toMatchObject([{ walEnd: parseLsn('16/B374D848'), replyRequested }]);
    }),
  );
});

test.each([Buffer.from('x'), Buffer.from('w123'), Buffer.from('k')])('an unknown message %j is refused', (body) => {
  expect(() => decodeInPieces(body, [])).toThrow('unknown kind');
});

test('a status update has the layout of the protocol', () => {
  const status = { writtenLsn: toLsn(3n), flushedLsn: toLsn(2n), appliedLsn: toLsn(1n), replyRequested: true };
  expect(encodeStatus(status, new Date('2000-01-01T00:00:01Z')).toString('hex')).toBe(
    '64000000267200000000000000030000000000000002000000000000000100000000000f424001',
  );
});
