import { expect, test } from "vitest";
import { serviceNameIn } from "../../../src/telemetry/service-name.ts";

test.each([
  [{}, undefined],
  [{ OTEL_SERVICE_NAME: "shop", OTEL_RESOURCE_ATTRIBUTES: "service.name=desk" }, "shop"],
  [{ OTEL_SERVICE_NAME: " ", OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test, service.name=my%20desk" }, "my desk"],
  [{ OTEL_RESOURCE_ATTRIBUTES: "service.namespace=x,service.name=%zz" }, undefined],
  [{ OTEL_RESOURCE_ATTRIBUTES: "service.name=" }, undefined],
])("the service in the environment %j is %j, as OpenTelemetry reads it", (env, name) => {
  expect(serviceNameIn(env)).toBe(name);
});
