/**
 * A receiver as one would write it first: node:http, protobufjs, one row with JSON attributes per span, one transaction per request (libsql,
 * synchronous=FULL, two indexes). Run as: node row-per-span-child.mjs FILE. Prints its port.
 */
import { createServer } from "node:http";
import Database from "libsql";
import protobuf from "protobufjs";

// The part of opentelemetry-proto 1.11 that traces use; field numbers are its own.
const PROTO = `syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
  repeated Event events = 11; uint32 dropped_events_count = 12; repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15;
}
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; uint32 dropped_attributes_count = 5; fixed32 flags = 6; }
message Status { string message = 2; int32 code = 3; }`;
const Request = protobuf.parse(PROTO).root.lookupType("Request");

const database = new Database(process.argv[2]);
database.exec(
  "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" +
    "CREATE TABLE span (id INTEGER PRIMARY KEY, trace_id TEXT, span_id TEXT, parent_id TEXT, name TEXT, kind INTEGER, start_ns TEXT, end_ns TEXT, status INTEGER, attributes TEXT, resource TEXT);" +
    "CREATE INDEX by_trace ON span (trace_id); CREATE INDEX by_start ON span (start_ns);",
);
const insert = database.prepare(
  "INSERT INTO span (trace_id, span_id, parent_id, name, kind, start_ns, end_ns, status, attributes, resource) VALUES (?,?,?,?,?,?,?,?,?,?)",
);

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    store(Request.decode(Buffer.concat(chunks)));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

function store(message) {
  database.exec("BEGIN IMMEDIATE");
  for (const { resource, scopeSpans } of message.resourceSpans) {
    const resourceText = JSON.stringify(objectOf(resource?.attributes ?? []));
    for (const { spans } of scopeSpans) {
      for (const span of spans) {
        insert.run([
          hex(span.traceId),
          hex(span.spanId),
          hex(span.parentSpanId),
          span.name,
          span.kind,
          String(span.startTimeUnixNano),
          String(span.endTimeUnixNano),
          span.status?.code ?? 0,
          JSON.stringify(objectOf(span.attributes)),
          resourceText,
        ]);
      }
    }
  }
  database.exec("COMMIT");
}

function objectOf(attributes) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value) {
  if (value?.arrayValue) return value.arrayValue.values.map(plain);
  if (value?.kvlistValue) return objectOf(value.kvlistValue.values);
  if (value?.intValue !== undefined && value.value === "intValue") return Number(value.intValue);
  return value?.[value.value] ?? null;
}

function hex(bytes) {
  return Buffer.from(bytes ?? []).toString("hex");
}
