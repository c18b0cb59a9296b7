import { z } from 'zod';
import { OperationError } from '../base/errors.ts';
import { recordFileName } from './sourceSnapshot.ts';

/** A record as the file in its snapshot. */
export function serializeRecord<Schema extends z.ZodType>(schema: Schema, record: z.output<Schema>): Buffer {
  return Buffer.from(`${JSON.stringify(schema.parse(record), undefined, 2)}\n`);
}

/** Reads a record; throws `repository-damaged` when it is not one, `repository-unsupported` for a newer format. */
export function parseRecord<Schema extends z.ZodType>(schema: Schema, json: Buffer): z.output<Schema> {
  let raw: unknown;
  try {
    raw = JSON.parse(json.toString('utf8'));
  } catch (cause) {
    throw new OperationError('repository-damaged', `${recordFileName} of the snapshot is not JSON`, { cause });
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const format = (raw as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > 1) {
    throw new OperationError('repository-unsupported', `the backup has record format ${format}`, {
      hint: 'update Understudy',
    });
  }
  const problem = z.prettifyError(parsed.error);
  throw new OperationError('repository-damaged', `${recordFileName} of the snapshot is damaged: ${problem}`);
}
