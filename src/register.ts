/**
 * `node --import agentlearn/register app.js`: adds our processors to the OpenTelemetry SDK that the application starts, before or after
 * this module, and listens to the AI SDK's diagnostics channel. AGENTLEARN_STORE or AGENTLEARN_ENDPOINT say where spans go. Without any of
 * them it does nothing.
 */
import { listenToAiSdk } from "./compose/bridges.ts";
import { AgentLearnLogRecordProcessor, AgentLearnSpanProcessor } from "./compose/processors.ts";
import { joinLogProvider, joinTraceProvider } from "./telemetry/join-provider.ts";

joinTraceProvider(new AgentLearnSpanProcessor());
joinLogProvider(new AgentLearnLogRecordProcessor());
listenToAiSdk();
