const mostLineLength = 16 * 1024;

/** The lines of a byte stream in UTF-8; a longer one is cut. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (pieces.pop() ?? '').slice(0, mostLineLength);
    for (const line of pieces) yield line.slice(0, mostLineLength);
  }
  if (rest !== '') yield rest;
}
