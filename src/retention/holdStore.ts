import { z } from 'zod';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { isNameComponent } from '../backend/objectName.ts';
import type { Repository } from '../repository/repository.ts';
import { ObjectSealer } from '../repository/sealedObject.ts';

const folder = 'understudy/holds/';

const common = {
  format: z.literal(1),
  source: z.string(),
  snapshot: z.string(),
  time: z.iso.datetime({ precision: 3 }),
};

const schema = z.discriminatedUnion('event', [
  z.object({ ...common, event: z.literal('held'), reason: z.string() }),
  z.object({ ...common, event: z.literal('acknowledged'), by: z.string() }),
]);

/**
 * Something that happened to the retention of a source. `snapshot` is the backup that gave cause, or the newest that
 * somebody has seen when acknowledging. The newest event counts; events are never replaced.
 */
export type HoldEvent = z.infer<typeof schema>;

/** The newest event of each source. Throws `repository-damaged` for one that cannot be read: it may be a hold. */
export async function loadHolds(ctx: Context, repository: Repository): Promise<Map<string, HoldEvent>> {
  const sealer = new ObjectSealer(repository.masterKey);
  const newest = new Map<string, string>();
  for await (const { name } of repository.backend.list(ctx, folder)) {
    const source = name.slice(folder.length, name.lastIndexOf('/'));
    const known = newest.get(source);
    if (known === undefined || name > known) newest.set(source, name);
  }
  const holds = new Map<string, HoldEvent>();
  for (const [source, name] of newest) {
    holds.set(source, parseEvent(name, sealer.open(await repository.backend.get(ctx, name))));
  }
  return holds;
}

/** Stores an event, sealed; durable when it resolves. */
export async function saveHoldEvent(ctx: Context, repository: Repository, event: HoldEvent): Promise<void> {
  if (!isNameComponent(event.source)) {
    throw new OperationError('usage', `retention of ${JSON.stringify(event.source)} cannot be held: it is no name`);
  }
  const object = `${folder}${event.source}/${event.time.replaceAll(/[-:.]/g, '')}-${event.event}`;
  const sealed = new ObjectSealer(repository.masterKey).seal(Buffer.from(JSON.stringify(schema.parse(event))));
  await repository.backend.put(ctx, object, sealed);
}

function parseEvent(name: string, json: Buffer): HoldEvent {
  try {
    return schema.parse(JSON.parse(json.toString('utf8')));
  } catch (cause) {
    throw new OperationError('repository-damaged', `${name} does not tell whether retention is held`, {
      hint: 'written by a newer version? else delete the object; the next forget looks at the source anew',
      detail: { object: name },
      cause,
    });
  }
}
