import { availableParallelism, totalmem } from 'node:os';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { formatBytes } from '../format.ts';
import type { Finding } from './finding.ts';

/** The program's own surroundings: Node.js, its zstd, processors and memory. */
export function checkRuntime(): Finding[] {
  const sample = Buffer.from('understudy');
  const compresses = zstdDecompressSync(zstdCompressSync(sample)).equals(sample);
  return [
    {
      check: 'runtime',
      verdict: compresses ? 'ok' : 'failed',
      message: `Node.js ${process.versions.node}, zstd ${process.versions.zstd ?? 'absent'}, ${availableParallelism()} processors, ${formatBytes(totalmem())} of memory`,
    },
  ];
}
