/**
 * `node --import agentlearn/register app.js`: adds our processors to the OpenTelemetry SDK that the application starts, before or after
 * this module. AGENTLEARN_STORE or AGENTLEARN_ENDPOINT say where spans go. Without an SDK it does nothing and says so through `diag`.
 */
import { AgentLearnLogRecordProcessor, AgentLearnSpanProcessor } from "./compose/processors.ts";
import { joinLogProvider, joinTraceProvider } from "./telemetry/join-provider.ts";

joinTraceProvider(new AgentLearnSpanProcessor());
joinLogProvider(new AgentLearnLogRecordProcessor());
