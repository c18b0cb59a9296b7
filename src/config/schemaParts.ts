import { z } from 'zod';
import { Secret } from '../base/secret.ts';
import { hasVariable } from './interpolate.ts';
import { optionText, type OptionPath } from './options.ts';
import { durationForm, parseDuration, parseSize, sizeForm } from './quantities.ts';
import { parsePackSize } from './repositoryDefaults.ts';

/** A mapping whose absence means all its defaults. */
export function section<Shape extends z.core.$ZodLooseShape>(path: OptionPath, shape: Shape) {
  return described(path, z.strictObject(shape).prefault({} as z.input<z.ZodObject<Shape, z.core.$strict>>));
}

export function described<Schema extends z.ZodType>(path: OptionPath, schema: Schema): Schema {
  return schema.describe(optionText(path).description);
}

export function name() {
  return z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected a name of letters, digits, ".", "_" and "-"');
}

export function text() {
  return z
    .string()
    .min(1, 'expected some text')
    .refine((value) => !hasVariable(value), '${NAME} is replaced in passwords and connection URIs only');
}

export function secret() {
  return z.string().transform((template) => new Secret(template));
}

export function durationSchema() {
  return z.string().transform((value, context) => {
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined) context.addIssue(`expected ${durationForm}, found "${value}"`);
    return milliseconds ?? 0;
  });
}

/** Bytes. */
export function sizeSchema() {
  return z.string().transform((value, context) => {
    const bytes = parseSize(value);
    if (bytes === undefined) context.addIssue(`expected ${sizeForm}, found "${value}"`);
    return bytes ?? 0;
  });
}

export function packSizeSchema() {
  return z.string().transform((value, context) => {
    const parsed = parsePackSize(value);
    if ('bytes' in parsed) return parsed.bytes;
    context.addIssue(parsed.problem);
    return z.NEVER;
  });
}
