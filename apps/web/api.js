// What the page asks for.
import { call, Problem } from "./session.js";

async function upload(file) {
  const ticket = await call("POST", "/api/v1/images/scan", { filename: file.name, content_type: file.type });
  const path = new URL(ticket.upload_url).pathname;
  const put = await call("PUT", path, file, ticket.required_headers);
  const image = await call("POST", "/api/v1/images/scan/callback", { key: ticket.key, etag: put.headers.get("ETag"), content_length: file.size });
  return image.cdn_url;
}

// What was sent and not answered. The same picture and wish again are the same request, so that a lost answer makes no second job.
let unanswered = null;

async function once(file, wish, send) {
  if (unanswered?.file !== file || unanswered.wish !== wish) {
    unanswered = { file, wish, key: crypto.randomUUID(), image: await upload(file) };
  }
  try {
    const accepted = await send(unanswered);
    unanswered = null;
    return accepted;
  } catch (problem) {
    if (problem instanceof Problem) unanswered = null;
    throw problem;
  }
}

export const scan = (file, question) => once(file, question, ({ image, key }) =>
  call("POST", "/api/v1/scan", { image_url: image, user_input: question }, { "Idempotency-Key": key }));
export const restyle = (file, concept) => once(file, concept, ({ image, key }) =>
  call("POST", "/api/v1/desk/v1/generate", { initial_image_url: image, concept, request_id: key }));
export const desk = (task) => call("GET", `/api/v1/desk/v1/tasks/${task}?products_format=flat`);
export const log = (job, after) => call("GET", `/api/v1/jobs/${job}/log?after=${after}`);
export const cancel = (job) => call("DELETE", `/api/v1/scan/${job}`);
export const result = (job) => call("GET", `/api/v1/scan/${job}/result`);
export const scans = () => call("GET", "/api/v1/scan?limit=10");
export const characters = () => call("GET", "/api/v1/users/me/characters");
export const catalogue = () => call("GET", "/api/v1/character/catalog");
export const points = () => call("GET", "/api/v1/users/me/points");
export const me = () => call("GET", "/api/v1/users/me");
export const rename = (nickname) => call("PATCH", "/api/v1/users/me", { nickname });
export const devices = () => call("GET", "/api/v1/auth/sessions");
export const endDevice = (id) => call("DELETE", `/api/v1/auth/sessions/${id}`);
