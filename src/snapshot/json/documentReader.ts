import { OperationError } from '../../base/errors.ts';
import { parseTimestamp, type Timestamp } from '../time.ts';
import type { JsonObject, JsonValue } from './goJson.ts';

/**
 * Takes typed members out of a JSON object; absent and null members are empty, as Go reads them. What was not taken is
 * `rest()`. Throws `repository-damaged` for a member of the wrong type.
 */
export class DocumentReader {
  readonly #members: JsonObject;
  readonly #what: string;
  readonly #taken = new Set<string>();

  constructor(members: JsonObject, what: string) {
    this.#members = members;
    this.#what = what;
  }

  fail(problem: string): never {
    throw new OperationError('repository-damaged', `${this.#what} is damaged: ${problem}`);
  }

  text(key: string): string {
    const value = this.#take(key) ?? '';
    return typeof value === 'string' ? value : this.fail(`${key} is not a string`);
  }

  texts(key: string): readonly string[] {
    const value = this.#take(key) ?? [];
    if (!Array.isArray(value)) return this.fail(`${key} is not a list`);
    return value.map((item: JsonValue) => (typeof item === 'string' ? item : this.fail(`${key} holds no strings`)));
  }

  count(key: string): number {
    const value = this.#take(key) ?? 0;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      return this.fail(`${key} is not a count`);
    return value;
  }

  time(key: string): Timestamp {
    const text = this.text(key);
    return parseTimestamp(text) ?? this.fail(`${key} is not a time: ${JSON.stringify(text)}`);
  }

  object(key: string): JsonObject | undefined {
    const value = this.#take(key) ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) return this.fail(`${key} is not an object`);
    return value as JsonObject;
  }

  rest(): JsonObject {
    return Object.fromEntries(Object.entries(this.#members).filter(([key]) => !this.#taken.has(key)));
  }

  #take(key: string): JsonValue | undefined {
    this.#taken.add(key);
    return Object.hasOwn(this.#members, key) ? this.#members[key] : undefined;
  }
}
