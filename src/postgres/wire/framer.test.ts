import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Framer } from './framer.ts';

interface Message {
  readonly type: number;
  readonly body: Buffer;
}

const message = fc.record({
  type: fc.constantFrom(0x64, 0x64, 0x44, 0x5a, 0x63),
  body: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
});

function encode({ type, body }: Message): Buffer {
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function frameInPieces(stream: Buffer, cuts: readonly number[]): Message[] {
  const received: Message[] = [];
  const framer = new Framer({
    message: (type, body) => void received.push({ type, body: Buffer.from(body) }),
    copyData: (piece, offset, length) => {
      if (offset === 0) received.push({ type: 0x64, body: Buffer.alloc(0) });
      const before = received.pop();
      expect(before?.body.length).toBe(offset);
      const body = Buffer.concat([before?.body ?? Buffer.alloc(0), piece]);
      expect(body.length).toBeLessThanOrEqual(length);
      received.push({ type: 0x64, body });
    },
  });
  const ends = [...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  let at = 0;
  for (const end of ends) {
    framer.push(stream.subarray(at, end));
    at = end;
  }
  return received;
}

test('messages come out as they were sent, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), fc.array(fc.nat()), (messages, cuts) => {
      expect(frameInPieces(Buffer.concat(messages.map(encode)), cuts)).toEqual(messages);
    }),
    { numRuns: 2000 },
  );
});

test('copied data is a view of the chunk, not a copy', () => {
  const chunk = encode({ type: 0x64, body: Buffer.from('abc') });
  const framer = new Framer({
    message: () => expect.unreachable(),
    copyData: (piece) => expect(piece.buffer).toBe(chunk.buffer),
  });
  framer.push(chunk);
  expect.assertions(1);
});

test.each([
  ['negative', Buffer.from([0x44, 0, 0, 0, 3])],
  ['too big to be anything but copied data', Buffer.from([0x44, 0x7f, 0, 0, 0])],
])('a length that is %s is refused', (_, bytes) => {
  const framer = new Framer({ message: () => undefined, copyData: () => undefined });
  expect(() => framer.push(bytes)).toThrow('impossible length');
});
