import type { KeyObject } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { OperationError } from '../../base/errors.ts';
import { sha256 } from '../../recovery/envelope.ts';
import { evidencePage } from '../../recovery/evidencePage.ts';
import type { StoredEvidence } from '../../recovery/evidenceStore.ts';
import type { ChosenEvidence } from './chooseEvidence.ts';
import { evidenceRows } from './describeEvidence.ts';
import { verifyText } from './verifyText.ts';

const columns = [
  'began',
  'id',
  'type',
  'plan',
  'result',
  'recoverySeconds',
  'rto',
  'rpo',
  'open',
  'review',
  'sha256',
] as const;

/** Where the signature of a report lies beside it. */
export function envelopePath(report: string): string {
  return `${report.replace(/\.json$/, '')}.dsse.json`;
}

/**
 * Writes evidence into a directory: reports as they were signed, pages with what was said since, signatures, an index,
 * the public keys, and last how to check all of it, so that a directory without VERIFY.md is not whole. Returns the
 * number of files. Throws `destination-not-empty`.
 */
export function exportEvidence(directory: string, evidence: ChosenEvidence, publicKeys: readonly KeyObject[]): number {
  mkdirSync(directory, { recursive: true });
  if (readdirSync(directory).length > 0) {
    throw new OperationError('destination-not-empty', `${directory} is not empty`, { hint: 'name a new directory' });
  }
  const files = new Map<string, Buffer>(evidence.chosen.flatMap(filesOf));
  files.set('index.csv', Buffer.from(indexText(evidence)));
  const sums = [...files].map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`);
  files.set('SHA256SUMS', Buffer.from(sums.join('')));
  for (const [index, key] of publicKeys.entries()) {
    // not the file as it is: one with a private key holds the public one too
    files.set(`key-${index + 1}.pub`, Buffer.from(key.export({ type: 'spki', format: 'pem' })));
  }
  files.set('VERIFY.md', Buffer.from(verifyText));
  for (const [name, bytes] of files) writeFileAtomic(join(directory, name), bytes, { mode: 0o644 });
  return files.size;
}

function filesOf({ original, evidence, report, envelope, amendments }: StoredEvidence): [string, Buffer][] {
  const name = `${original.report.id}.json`;
  const said = amendments.map(({ amendment }) => amendment);
  return [
    [name, report],
    [`${original.report.id}.html`, Buffer.from(evidencePage(evidence))],
    ...(envelope === null ? [] : [[envelopePath(name), Buffer.from(JSON.stringify(envelope))] as [string, Buffer]]),
    ...(said.length === 0
      ? []
      : [[`${original.report.id}.said.json`, Buffer.from(`${JSON.stringify(said, null, 2)}\n`)] as [string, Buffer]]),
  ];
}

function indexText(evidence: ChosenEvidence): string {
  const lines = evidenceRows(evidence).map((row) => columns.map((column) => csvCell(row[column])).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

/** A spreadsheet would calculate what begins like a formula. */
function csvCell(value: string | number | null): string {
  const text = String(value ?? '');
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
