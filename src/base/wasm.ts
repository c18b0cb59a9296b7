/** The part of the WebAssembly interface that we use; Node.js has it, the `es` libraries of TypeScript do not. */
interface WebAssemblyApi {
  readonly Memory: new (descriptor: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/** Granularity of WebAssembly memory. */
export const wasmPageBytes = 65_536;

export interface WasmKernel<Exports> {
  readonly exports: Exports;
  /** All memory of the kernel. It never grows, so views of it stay valid, and it starts at a page boundary. */
  readonly memory: ArrayBuffer;
}

/** Memory that begins at a page boundary, which Node's buffers do not. */
export function pageAlignedMemory(bytes: number): ArrayBuffer {
  const pages = Math.ceil(bytes / wasmPageBytes);
  return new webAssembly.Memory({ initial: pages, maximum: pages }).buffer;
}

/** Instantiates an embedded module (tools/wasm.ts) with at least `memoryBytes` of memory of its own. */
export function instantiateWasm<Exports>(base64: string, memoryBytes: number): WasmKernel<Exports> {
  const pages = Math.ceil(memoryBytes / wasmPageBytes);
  const memory = new webAssembly.Memory({ initial: pages, maximum: pages });
  const module = new webAssembly.Module(Buffer.from(base64, 'base64'));
  const instance = new webAssembly.Instance(module, { env: { memory } });
  return { exports: instance.exports as Exports, memory: memory.buffer };
}

/** Address of `view` in `memory` when it lies wholly in its first `endBytes` bytes, else undefined. */
export function addressIn(memory: ArrayBuffer, view: Uint8Array, endBytes: number): number | undefined {
  if (view.buffer !== memory || view.byteOffset + view.byteLength > endBytes) return undefined;
  return view.byteOffset;
}
