// Speaks to our own routes. A refusal is what the server decided; anything else is the network.

const TIMEOUT_MS = 15000;

export class RefusedError extends Error {
  constructor(status, body) {
    const error = body.error ?? {};
    super(error.what ?? `The server answered ${status}.`);
    this.status = status;
    this.what = this.message;
    this.next = error.next ?? "";
    this.state = body.state ?? null;
  }

  // The server or something before it is busy or broken: the same request may work later.
  get passing() {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }

  // The browser has no valid seat: only opening a link helps.
  get seatless() {
    return this.status === 401 || this.status === 410;
  }
}

export async function get(path) {
  return ask(path, { method: "GET" });
}

// keepalive: a request under way is finished even when the tab is closed
export async function post(path, body) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    keepalive: true,
  });
}

async function ask(path, options) {
  const response = await fetch(path, {
    ...options,
    credentials: "same-origin",
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new RefusedError(response.status, body);
  return body;
}
