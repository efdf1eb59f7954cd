"""A Python agent as a team would write it: the official client, a published instrumentation, OTLP over gRPC. Nothing of ours.

AGENT_INSTRUMENTATION: v2 | openinference. OPENAI_BASE_URL: the model. OTEL_EXPORTER_OTLP_ENDPOINT: the receiver, e.g. http://127.0.0.1:4317.
"""
import json
import os

from openai import OpenAI
from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({"service.name": "python-agent"})
spans = TracerProvider(resource=resource)
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(insecure=True)))
trace.set_tracer_provider(spans)
set_logger_provider(logs)

if os.environ["AGENT_INSTRUMENTATION"] == "v2":
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
else:
    from openinference.instrumentation.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument()

TOOL = {
    "type": "function",
    "function": {
        "name": "run_sql",
        "description": "Runs one SQL query",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
}


def run_sql(query: str) -> str:
    """A table that has driver_name and no driver."""
    words = query.replace(",", " ").replace("(", " ").replace(")", " ").split()
    return "ERROR: no such column: driver" if "driver" in words else json.dumps([{"answer": "Mara Lindqvist"}])


def agent(client: OpenAI, task: str) -> str:
    messages = [{"role": "system", "content": "You answer questions about races with the tool run_sql."}, {"role": "user", "content": task}]
    for _ in range(4):
        choice = client.chat.completions.create(model="loopback-sql", messages=messages, tools=[TOOL]).choices[0].message
        if not choice.tool_calls:
            return choice.content or ""
        messages.append(choice.model_dump(exclude_none=True))
        for call in choice.tool_calls:
            result = run_sql(json.loads(call.function.arguments)["query"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "gave up"


with trace.get_tracer("python-agent").start_as_current_span(
    "invoke_agent racing", attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "racing-py"}
):
    print(agent(OpenAI(api_key="none"), "Which driver scored the most points in 2018?"))
spans.shutdown()
logs.shutdown()
