const idPattern = /^[0-9a-f]{64}$/;

/** True for 64 lower-case hex digits, the shape of every storage id and blob id. */
export function isId(text: string): boolean {
  return idPattern.test(text);
}

/** Lower-case hex of some bytes. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Bytes of lower- or upper-case hex. The caller has checked the shape. */
export function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
