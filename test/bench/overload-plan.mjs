/** The largest batch a BatchSpanProcessor sends unless told otherwise. */
export const SPANS_PER_REQUEST = 512;

/** Hex characters at the start of all trace ids of a request that name the request. */
export const PREFIX_CHARACTERS = 16;
