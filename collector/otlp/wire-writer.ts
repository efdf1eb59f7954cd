/** Bytes of one protobuf field; nested by passing the result of `message` as a value. Only what the answers of a receiver need. */
export function stringField(field: number, text: string): Uint8Array {
  return messageField(field, [Buffer.from(text, "utf8")]);
}

export function messageField(field: number, parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

/** Whole numbers from 0 to 2^53. Zero is written too; callers leave it out where proto3 says so. */
export function varintField(field: number, value: number): Uint8Array {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
