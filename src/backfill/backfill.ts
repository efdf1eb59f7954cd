import type { Clock } from "../base/clock.ts";
import { isLearnError, LearnError } from "../base/error.ts";
import { jaegerMessages } from "./jaeger-json.ts";
import type { BadPiece, Journal, Progress } from "./journal.ts";
import type { InputFile } from "./open-file.ts";
import { frameMessages, otlpJsonMessages } from "./otlp-message.ts";
import { type FileFormat, type Message, type Piece, START } from "./ports.ts";
import { tempoMessages } from "./tempo-json.ts";

/** A message and where it stands, for whoever has to say that it was not taken. */
export interface PlacedMessage extends Message {
  /** Like `spans.jsonl line 7`. */
  readonly place: string;
}

export interface BackfillOptions {
  readonly file: InputFile;
  /** Resolves when all are safe there. Called with one batch at a time; owns the bodies from the call on. */
  readonly deliver: (messages: readonly PlacedMessage[]) => Promise<void>;
  readonly clock: Clock;
  readonly skipBadLines: boolean;
  readonly journal?: Journal | undefined;
  /** Bytes of the file read so far in this call. */
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** What became of one file, with what earlier calls had done of it. */
export interface FileReport extends Omit<Progress, "number" | "end" | "done"> {
  readonly file: string;
  readonly format: FileFormat;
  /** Lines, messages or documents that an earlier call had done. */
  readonly resumedAfter: number;
}

const MESSAGES_OF: Readonly<Record<FileFormat, (bytes: Uint8Array, nowUs: number) => readonly Message[]>> = {
  "otlp-json-lines": otlpJsonMessages,
  "otlp-frames": frameMessages,
  "otlp-json": otlpJsonMessages,
  "jaeger-json": jaegerMessages,
  "tempo-json": tempoMessages,
};

// One commit and one round of mapping. Mapped spans take some ten times their JSON while they are written, so this is what bounds memory.
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_MESSAGES = 64;
const NAMED_BAD_PIECES = 10;

/**
 * Brings what a file holds to `deliver`, from where the journal says. Stops at the first bad piece with "invalid" or "too-large", naming it, unless
 * told to skip them; with "cancelled" between two pieces when the signal says so. Everything before is delivered and journalled by then.
 */
export async function backfill(options: BackfillOptions): Promise<FileReport> {
  const { file, deliver, clock, journal, signal } = options;
  const before = journal?.read();
  const resumedAfter = before?.number ?? 0;
  const bad: BadPiece[] = [...(before?.badPieces ?? [])];
  const counts = {
    bodies: before?.bodies ?? 0,
    spans: before?.spans ?? 0,
    logs: before?.logs ?? 0,
    rejected: before?.rejected ?? 0,
    skipped: before?.skipped ?? 0,
  };
  const report = (): FileReport => ({ file: file.name, format: file.format, ...counts, badPieces: [...bad], resumedAfter });
  if (before?.done === true) {
    options.onBytes(file.sizeBytes);
    return report();
  }

  let position = before === undefined ? START : { number: before.number, end: before.end };
  let batch: PlacedMessage[] = [];
  let batchBytes = 0;
  const flush = async (done: boolean): Promise<void> => {
    if (batch.length > 0) await deliver(batch);
    for (const { spans, logs, rejected } of batch) {
      counts.bodies += 1;
      counts.spans += spans;
      counts.logs += logs;
      counts.rejected += rejected;
    }
    batch = [];
    batchBytes = 0;
    journal?.write({ ...position, ...counts, badPieces: [...bad], done });
  };

  for await (const piece of file.pieces(position, options.onBytes)) {
    if (signal.aborted) {
      await flush(false);
      throw new LearnError("cancelled", `the import stopped before ${placeOf(file, piece)}`);
    }
    const messages = messagesOf(piece, file.format, clock.nowUs());
    if (isLearnError(messages)) {
      if (!options.skipBadLines) {
        await flush(false);
        throw badPiece(file, piece, messages);
      }
      counts.skipped += 1;
      // What hides the rest of a file is named whatever came before it.
      const reason = piece.last === true ? `${messages.message}; nothing after it could be read` : messages.message;
      if (bad.length < NAMED_BAD_PIECES || piece.last === true) bad.push({ number: piece.number, reason });
    } else {
      for (const message of messages) {
        batch.push({ ...message, place: placeOf(file, piece) });
        batchBytes += message.body.body.byteLength;
      }
    }
    position = { number: piece.number, end: piece.end };
    if (batch.length >= BATCH_MESSAGES || batchBytes >= BATCH_BYTES) await flush(false);
  }
  await flush(true);
  return report();
}

function messagesOf(piece: Piece, format: FileFormat, nowUs: number): readonly Message[] | LearnError {
  if (piece.fault !== undefined) return piece.fault;
  try {
    return MESSAGES_OF[format](piece.bytes, nowUs);
  } catch (caught) {
    // A program's own fault must not pass for a bad line.
    if (!isLearnError(caught) || (caught.code !== "invalid" && caught.code !== "too-large")) throw caught;
    return caught;
  }
}

function badPiece(file: InputFile, piece: Piece, fault: LearnError): LearnError {
  return new LearnError(fault.code, `${placeOf(file, piece)}: ${fault.message}`, {
    // What decoders advise is for those who send requests.
    hint: piece.fault?.hint ?? "what came before it is in; add --skip-bad-lines to leave out what can't be read",
    cause: fault,
  });
}

/** Like `spans.jsonl line 7`. */
export function placeOf({ name, format }: Pick<InputFile, "name" | "format">, { number }: { readonly number: number }): string {
  if (format === "otlp-json-lines") return `${name} line ${number}`;
  return format === "otlp-frames" ? `${name} message ${number}` : name;
}
