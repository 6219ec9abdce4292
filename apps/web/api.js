// Calls of the gateway. The identity is an HttpOnly cookie: the page keeps no token and sends none itself.
export class Problem extends Error {
  constructor(status, code, detail) { super(detail); this.status = status; this.code = code; }
}

async function call(method, path, body, headers = {}) {
  const json = body !== undefined && !(body instanceof Blob);
  const response = await fetch(path, {
    method,
    headers: json ? { "Content-Type": "application/json", ...headers } : headers,
    body: json ? JSON.stringify(body) : body,
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Problem(response.status, problem.code ?? "HTTP_" + response.status, problem.detail ?? problem.title ?? response.statusText);
  }
  return response.status === 204 ? null : response.headers.get("Content-Type")?.includes("json") ? response.json() : response;
}

async function signIn() {
  await call("POST", "/api/v1/auth/guest");
  localStorage.setItem("known", "yes");
}

// Signs in as a guest when nobody is signed in, or when the session has expired. The page cannot see its cookie; a browser that
// was never here needs no refused request to find that out.
export async function withIdentity(action) {
  if (!localStorage.getItem("known")) await signIn();
  try {
    return await action();
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    await signIn();
    return action();
  }
}

async function upload(file) {
  const ticket = await call("POST", "/api/v1/images/scan", { filename: file.name, content_type: file.type });
  const path = new URL(ticket.upload_url).pathname;
  const put = await call("PUT", path, file, ticket.required_headers);
  const image = await call("POST", "/api/v1/images/scan/callback", { key: ticket.key, etag: put.headers.get("ETag"), content_length: file.size });
  return image.cdn_url;
}

// What was sent and not answered. The same picture and question again are the same request, so that a lost answer makes no second job.
let unanswered = null;

export async function scan(file, question) {
  if (unanswered?.file !== file || unanswered.question !== question) {
    unanswered = { file, question, key: crypto.randomUUID(), image: await upload(file) };
  }
  try {
    const { image, key } = unanswered;
    const accepted = await call("POST", "/api/v1/scan", { image_url: image, user_input: question }, { "Idempotency-Key": key });
    unanswered = null;
    return accepted;
  } catch (problem) {
    if (problem instanceof Problem) unanswered = null;
    throw problem;
  }
}

export const log = (job, after) => call("GET", `/api/v1/jobs/${job}/log?after=${after}`);
export const cancel = (job) => call("DELETE", `/api/v1/scan/${job}`);
export const result = (job) => call("GET", `/api/v1/scan/${job}/result`);
export const scans = () => call("GET", "/api/v1/scan?limit=10");
export const characters = () => call("GET", "/api/v1/users/me/characters");
export const points = () => call("GET", "/api/v1/users/me/points");
