import { pageAlignedMemory } from '../../base/wasm.ts';

/** Most bytes written by one call past the page cache; a slot's size. */
export const slotBytes = 512 * 1024;
/** Writes of one thread that may be under way while it fills the next slot. */
const slotCount = 8;

/** Page-aligned buffers, which direct writes need, handed out and taken back. */
export class WriteSlots {
  readonly #free: Buffer[];
  readonly #count: number = slotCount;
  #waiting: (() => void)[] = [];

  constructor() {
    const memory = pageAlignedMemory(slotCount * slotBytes);
    this.#free = Array.from({ length: slotCount }, (_, slot) => Buffer.from(memory, slot * slotBytes, slotBytes));
  }

  /** True when `take` gives a slot. */
  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  get allFree(): boolean {
    return this.#free.length === this.#count;
  }

  take(): Buffer | undefined {
    return this.#free.pop();
  }

  giveBack(slot: Buffer): void {
    this.#free.push(slot);
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** Resolves when a slot comes back. */
  nextFree(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
