/**
 * Assembles src/retrieval/dot-module.ts, the WebAssembly module that compares one vector with many: `node scripts/dot-module.mjs [--print]`.
 * The program is the list below, one instruction a line; a test checks that the committed module is what this makes of it.
 *
 * scan(query, vectors, scales, out, count, width): for each of `count` vectors of `width` signed bytes (a multiple of 16) the dot product with `query`,
 * the same number of signed 16-bit integers, times the vector's scale (f32), is written to `out` (f32). All pointers are byte offsets in the memory.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PARAMETERS = ["query", "vectors", "scales", "out", "count", "width"];
const LOCALS = [
  ["at", "i32"],
  ["stop", "i32"],
  ["bytes", "v128"],
  ["sum", "v128"],
];

const PROGRAM = `
  block
    loop
      local.get count
      i32.eqz
      br_if 1
      v128.zero
      local.set sum
      local.get query
      local.set at
      local.get vectors
      local.get width
      i32.add
      local.set stop
      loop
        local.get vectors
        v128.load 0
        local.set bytes
        local.get sum
        local.get bytes
        i16x8.extend_low_i8x16_s
        local.get at
        v128.load 0
        i32x4.dot_i16x8_s
        i32x4.add
        local.get bytes
        i16x8.extend_high_i8x16_s
        local.get at
        v128.load 16
        i32x4.dot_i16x8_s
        i32x4.add
        local.set sum
        local.get at
        i32.const 32
        i32.add
        local.set at
        local.get vectors
        i32.const 16
        i32.add
        local.tee vectors
        local.get stop
        i32.lt_u
        br_if 0
      end
      local.get out
      local.get sum
      i32x4.extract_lane 0
      local.get sum
      i32x4.extract_lane 1
      i32.add
      local.get sum
      i32x4.extract_lane 2
      i32.add
      local.get sum
      i32x4.extract_lane 3
      i32.add
      f32.convert_i32_s
      local.get scales
      f32.load 0
      f32.mul
      f32.store 0
      local.get out
      i32.const 4
      i32.add
      local.set out
      local.get scales
      i32.const 4
      i32.add
      local.set scales
      local.get count
      i32.const 1
      i32.sub
      local.set count
      br 0
    end
  end
end
`;

const TYPES = { i32: 0x7f, v128: 0x7b };
const LOCAL_NAMES = [...PARAMETERS, ...LOCALS.map(([name]) => name)];

// Name of an instruction: its bytes, and what its operand is.
const INSTRUCTIONS = {
  block: [[0x02, 0x40]],
  loop: [[0x03, 0x40]],
  end: [[0x0b]],
  br: [[0x0c], "number"],
  br_if: [[0x0d], "number"],
  "local.get": [[0x20], "local"],
  "local.set": [[0x21], "local"],
  "local.tee": [[0x22], "local"],
  "f32.load": [[0x2a, 2], "number"],
  "f32.store": [[0x38, 2], "number"],
  "i32.const": [[0x41], "signed"],
  "i32.eqz": [[0x45]],
  "i32.lt_u": [[0x49]],
  "i32.add": [[0x6a]],
  "i32.sub": [[0x6b]],
  "f32.mul": [[0x94]],
  "f32.convert_i32_s": [[0xb2]],
  // Alignment 0: vectors stand where they stand.
  "v128.load": [[0xfd, ...unsigned(0), 0], "number"],
  "v128.zero": [[0xfd, ...unsigned(12), ...Array(16).fill(0)]],
  "i32x4.extract_lane": [[0xfd, ...unsigned(27)], "number"],
  "i16x8.extend_low_i8x16_s": [[0xfd, ...unsigned(135)]],
  "i16x8.extend_high_i8x16_s": [[0xfd, ...unsigned(136)]],
  "i32x4.add": [[0xfd, ...unsigned(174)]],
  "i32x4.dot_i16x8_s": [[0xfd, ...unsigned(186)]],
};

const base64 = Buffer.from(assembleDotModule()).toString("base64");
if (process.argv.includes("--print")) console.log(base64);
else {
  const lines = base64.match(/.{1,120}/g).map((line) => `  "${line}",`);
  writeFileSync(
    fileURLToPath(new URL("../src/retrieval/dot-module.ts", import.meta.url)),
    `/** WebAssembly, assembled by scripts/dot-module.mjs, which is its source. */\nexport const DOT_MODULE: string = [\n${lines.join("\n")}\n].join("");\n`,
  );
}

function assembleDotModule() {
  const code = PROGRAM.trim().split("\n").flatMap(instruction);
  const locals = vector(LOCALS.map(([, type]) => [1, TYPES[type]]));
  const body = [...locals, ...code];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[0x60, ...vector(PARAMETERS.map(() => [TYPES.i32])), 0]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, 1]])),
    ...section(7, vector([exported("memory", 2), exported("scan", 0)])),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ]);
}

function instruction(line) {
  const [name, operand] = line.trim().split(" ");
  const [bytes, kind] = INSTRUCTIONS[name];
  if (kind === undefined) return bytes;
  if (kind === "local") return [...bytes, LOCAL_NAMES.indexOf(operand)];
  const number = Number(operand);
  // The two forms are the same for numbers below 64, and there are no others.
  if (!(number >= 0 && number < 64)) throw new Error(`${line}: the operand needs an encoding that is not written`);
  return [...bytes, number];
}

function section(id, content) {
  return [id, ...unsigned(content.length), ...content];
}

function vector(entries) {
  return [...unsigned(entries.length), ...entries.flat()];
}

function exported(name, kind) {
  return [...vector([...Buffer.from(name)].map((byte) => [byte])), kind, 0];
}

/** LEB128. */
function unsigned(value) {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)];
}
