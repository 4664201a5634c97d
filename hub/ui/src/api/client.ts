// client.ts - requests to /api/v1. An answer that is no success becomes an ApiError with the sentence of its problem
// details (RFC 9457). The CSRF token comes with the session and goes with whatever changes something.
import type { Problem } from "./types";

export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly hint: string = "") {
    super(message);
  }
}

let csrfToken = "";
let onSignedOut: () => void = () => undefined;

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Called when an answer says that nobody is logged in any more. */
export function setSignedOutHandler(handler: () => void): void {
  onSignedOut = handler;
}

async function problemOf(response: Response): Promise<ApiError> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Partial<Problem>;
  } catch {
    // Not JSON: the status is all that there is to tell.
  }
  const words = problem.detail ?? problem.title ?? `the hub answered ${response.status} ${response.statusText}`;
  return new ApiError(response.status, words, problem.hint ?? "");
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { credentials: "same-origin", ...init });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError(0, "The hub cannot be reached.", "Is it running, and is this machine on its network? The page tries again by itself.");
  }
  if (!response.ok) {
    const error = await problemOf(response);
    if (response.status === 401 && !path.startsWith("/session")) onSignedOut();
    throw error;
  }
  return response;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { signal, headers: { Accept: "application/json" } });
  return (await response.json()) as T;
}

/** Text as it is, such as captured output. */
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return (await send(path, { signal })).text();
}

export async function change<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T | null> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (csrfToken) headers["X-CSRF-Token"] = csrfToken;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await send(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  return text ? (JSON.parse(text) as T) : null;
}
