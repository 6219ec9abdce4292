// Calls of the gateway, and who is signed in. The identity is in HttpOnly cookies: the page keeps no token and cannot see any. What it remembers is that
// somebody had signed in, so that a browser that was never here needs no refused request to find that out.
export class Problem extends Error {
  constructor(status, code, detail, retryAfter = 0) { super(detail); this.status = status; this.code = code; this.retryAfter = retryAfter; }
}

async function send(method, path, body, headers = {}) {
  const json = body !== undefined && !(body instanceof Blob);
  const response = await fetch(path, {
    method,
    headers: json ? { "Content-Type": "application/json", ...headers } : headers,
    body: json ? JSON.stringify(body) : body,
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Problem(
      response.status, problem.code ?? "HTTP_" + response.status, problem.detail ?? problem.title ?? response.statusText, Number(response.headers.get("Retry-After")) || 0);
  }
  return response.headers.get("Content-Type")?.includes("json") ? response.json() : response;
}

// An upload to another server than ours, which knows nothing of the session: its address is all the right there is.
export const put = (address, file, headers) => send("PUT", address, file, headers);

let signedIn = localStorage.getItem("known") === "yes";
let waiting = [];
let listener = () => {};
let refreshes = 0;
let refreshing = null;

function change(value) {
  signedIn = value;
  if (value) localStorage.setItem("known", "yes");
  else localStorage.removeItem("known");
  listener(value);
  if (value) {
    for (const go of waiting) go();
    waiting = [];
  }
}

// Calls the listener now and whenever somebody signs in or has to.
export function onChange(listen) {
  listener = listen;
  listen(signedIn);
}

// One request for all that wait for it. The other tabs of this browser may ask at the same time: they get the same tokens.
function refresh() {
  refreshing ??= send("POST", "/api/v1/auth/refresh").then(() => { refreshes++; }).finally(() => { refreshing = null; });
  return refreshing;
}

// A request as the signed-in person. An expired session is refreshed once; when that is refused, the request waits until somebody has signed in,
// and so does everything after it: nothing that was typed or chosen is lost.
export async function call(...request) {
  for (;;) {
    if (!signedIn) await new Promise((go) => { waiting.push(go); });
    const seen = refreshes;
    try {
      return await send(...request);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
    }
    try {
      if (seen === refreshes) await refresh();
      return await send(...request);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      change(false);
    }
  }
}

export const methods = async () => (await send("GET", "/api/v1/auth/methods")).methods;

async function begin(path, body) {
  await send("POST", path, body);
  change(true);
}

export const asGuest = () => begin("/api/v1/auth/guest");
export const byPassword = (email, password) => begin("/api/v1/auth/login", { email, password });
export const register = (email, password, nickname) => begin("/api/v1/auth/register", { email, password, nickname: nickname || undefined });

export async function byProvider(name) {
  const { data } = await send("GET", `/api/v1/auth/${name}`);
  sessionStorage.setItem("from", location.pathname + location.hash);
  location.assign(data.authorization_url);
}

// Where a provider sends the browser back to, which is one page for all: whoever came from another goes on there. Tells whether that failed.
export function comeBack() {
  const { hash } = location;
  if (!hash.startsWith("#/")) return false;
  history.replaceState(null, "", location.pathname);
  const from = sessionStorage.getItem("from");
  sessionStorage.removeItem("from");
  if (hash.startsWith("#/home")) {
    change(true);
    if (from?.startsWith("/desk/")) location.replace(from);
  }
  return hash.includes("error=");
}

// The page begins anew: nothing of one person may stay for the next.
function leave() {
  localStorage.removeItem("known");
  location.reload();
}

export async function signOut() {
  await send("POST", "/api/v1/auth/logout");
  leave();
}

export async function signOutEverywhere() {
  await call("POST", "/api/v1/auth/logout/all");
  leave();
}

export async function deleteAccount() {
  await call("DELETE", "/api/v1/users/me");
  await send("POST", "/api/v1/auth/logout").catch(() => {});
  leave();
}
