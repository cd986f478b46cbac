// What every failed call becomes. The shape of the server's error bodies is known here and nowhere else.

export interface ErrorTarget {
  type: string;
  name: string;
}

export class ApiError extends Error {
  constructor(
    // HTTP status; 0 when no answer came.
    readonly status: number,
    // Reason code of the API (docs/errors.md), or NETWORK_ERR, or HTTP_ERR when the body was none of ours.
    readonly code: string,
    message: string,
    readonly correlationId: string,
    readonly target?: ErrorTarget,
    // Seconds the server asks to wait before the next try.
    readonly retryAfter?: number,
  ) {
    super(message);
    this.name = "ApiError";
  }

  // The server refused because the caller's roles do not reach that far (or the thing is not theirs to see).
  get isRefusal(): boolean {
    return this.status === 401 || this.status === 403;
  }

  // Somebody else changed or removed what the page shows.
  get isStale(): boolean {
    return this.status === 404 || this.status === 410 || ["CONFLICT_ERR", "KEY_ACTION_INVALID_STATE_ERR"].includes(this.code);
  }
}

interface ErrorBody {
  resources?: {
    errorMsg?: string;
    reasons?: { code?: string; message?: string; target?: ErrorTarget }[];
  }[];
  // The token endpoint's form.
  errorMessage?: string;
  errorCode?: string;
}

// "Unauthorized: why (UNAUTHORIZED_ERR)" without reasons: the code stands in brackets at the end.
const CODE_AT_END = /\s*\(([A-Z0-9_]+)\)$/;
const STATUS_IN_FRONT = /^[A-Z][A-Za-z -]+: /;

export function errorOf(status: number, body: string, correlationId: string, retryAfter?: number): ApiError {
  let parsed: ErrorBody = {};
  try {
    parsed = JSON.parse(body) as ErrorBody;
  } catch {
    // Not ours: a proxy in between, or no body at all.
  }
  const resource = parsed.resources?.[0];
  const reason = resource?.reasons?.[0];
  if (reason?.code) return new ApiError(status, reason.code, sentence(reason.message ?? ""), correlationId, reason.target, retryAfter);
  const text = resource?.errorMsg ?? parsed.errorMessage ?? "";
  const code = CODE_AT_END.exec(text)?.[1] ?? parsed.errorCode ?? "HTTP_ERR";
  return new ApiError(status, code, sentence(text.replace(CODE_AT_END, "").replace(STATUS_IN_FRONT, "")), correlationId, undefined, retryAfter);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
}
