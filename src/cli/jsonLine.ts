/** One NDJSON line. 64-bit numbers become text, dates ISO 8601, undefined fields are left out. */
export function jsonLine(messageType: string, fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ message_type: messageType, ...fields }, bigintAsText)}\n`;
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
