import { segmentRange } from '../../postgres/walSegment.ts';
import { WalReader } from '../../postgres/walReader.ts';
import { createdTablespaceOf, type CreatedTablespace } from '../../postgres/walTablespace.ts';
import type { Sandbox, StartOptions } from './sandbox.ts';

/** Makes directories for the tablespaces that replay creates, as the WAL that does so is handed over. */
export function tablespaceInspector(sandbox: Sandbox, segmentBytes: number): StartOptions['inspect'] {
  const reader = new WalReader();
  return (file, content) => {
    if (file.kind !== 'segment') return;
    const { begin } = segmentRange(file.segment, segmentBytes);
    for (const record of reader.read(content, begin)) provideTablespace(sandbox, createdTablespaceOf(record));
  };
}

/** A directory for a tablespace that replay creates; one in place needs none. */
export function provideTablespace({ isolation, directory }: Sandbox, created: CreatedTablespace | undefined): void {
  if (created === undefined || created.location === '' || created.location.startsWith(`${directory}/`)) return;
  isolation.provide(created.location);
}
