/**
 * The first `size` bytes of these parts, as far as whole parts go, in a copy that owns its buffer: a part is mostly a slice of something big, which would go
 * to another thread whole, and Buffer.concat hands out a slice of a shared pool.
 */
export function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    if (at + part.length > size) break;
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
