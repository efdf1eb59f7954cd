/** What the SDKs of OpenTelemetry write where nobody named the service. */
const UNKNOWN = /^unknown_service(?::|$)/;

/** Whether somebody gave the service this name. */
export function isNamedService(name: string): boolean {
  return name !== "" && !UNKNOWN.test(name);
}

/** `service.name` as the environment says it to every SDK of OpenTelemetry; undefined where it does not. */
export function serviceNameIn(env: { readonly [name: string]: string | undefined }): string | undefined {
  const own = env["OTEL_SERVICE_NAME"]?.trim();
  if (own !== undefined && own !== "") return own;
  for (const pair of (env["OTEL_RESOURCE_ATTRIBUTES"] ?? "").split(",")) {
    const at = pair.indexOf("=");
    if (pair.slice(0, at).trim() === "service.name") return decoded(pair.slice(at + 1).trim());
  }
  return undefined;
}

/**
 * `service.name` of the resource that a span of an SDK belongs to. The API lets nobody read a span; those of the SDKs show it all the same. Undefined where
 * that is not so, where nobody named the service, and while detectors still run: to read then is an error that the SDK reports. Never throws.
 */
export function serviceNameOf(span: object | undefined): string | undefined {
  try {
    const { resource } = (span ?? {}) as {
      readonly resource?: { readonly asyncAttributesPending?: boolean; readonly attributes?: object };
    };
    if (resource === undefined || resource.asyncAttributesPending === true) return undefined;
    const said = (resource.attributes as { readonly [key: string]: unknown } | undefined)?.["service.name"];
    return typeof said === "string" && isNamedService(said) ? said : undefined;
  } catch {
    return undefined;
  }
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value) || undefined;
  } catch {
    return undefined;
  }
}
