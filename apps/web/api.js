// What the page asks for.
import { call, Problem, put } from "./session.js";

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// Browsers hash in secure contexts only: over https and on localhost.
const sha256 = async (file) => (crypto.subtle ? hex(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))) : undefined);

// The file is announced, because the address of a bucket is signed for exactly that file. Without its hash images takes it where it keeps pictures in a
// folder, and refuses it where it keeps them in a bucket.
async function upload(file) {
  const hash = await sha256(file);
  const ticket = await call("POST", "/api/v1/images/scan", { filename: file.name, content_type: file.type, content_length: file.size, checksum_sha256: hash });
  const address = new URL(ticket.upload_url);
  // What goes to images goes to where this page comes from, whatever name the platform has for itself.
  const stored = address.pathname.startsWith("/api/v1/images/upload/")
    ? await call("PUT", address.pathname, file, ticket.required_headers) : await put(address, file, ticket.required_headers);
  const image = await call("POST", "/api/v1/images/scan/callback", { key: ticket.key, etag: hash ?? stored.headers.get("ETag"), content_length: file.size });
  return image.cdn_url;
}

// What was sent and not answered. The same picture and wish again are the same request, so that a lost answer makes no second job.
let unanswered = null;

async function once(file, wish, send) {
  if (unanswered?.file !== file || unanswered.wish !== wish) {
    unanswered = { file, wish, key: hex(crypto.getRandomValues(new Uint8Array(16))), image: await upload(file) };
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
