import { MessageChannel, type MessagePort } from "node:worker_threads";

/**
 * Gives the memory of these buffers back now; they are empty afterwards. The collector of garbage would wait for 64 MiB of them: at its highest rate the
 * writer held 100 MiB of bodies that were committed already. A port whose other side is closed takes what is transferred to it and drops it.
 */
export function freeBuffers(buffers: readonly ArrayBuffer[]): void {
  if (buffers.length === 0) return;
  nowhere ??= openNowhere();
  nowhere.postMessage(undefined, [...buffers]);
}

let nowhere: MessagePort | undefined;

function openNowhere(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.unref();
  return port1;
}

/** The buffers that these bodies own whole, each once. */
export function wholeBuffers(bodies: readonly { readonly body: Uint8Array }[]): readonly ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { body } of bodies) {
    if (body.buffer instanceof ArrayBuffer && body.byteLength > 0 && body.byteLength === body.buffer.byteLength) buffers.add(body.buffer);
  }
  return [...buffers];
}
