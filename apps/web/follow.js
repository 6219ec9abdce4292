// Follows a job to its end. The browser reconnects a broken stream by itself, with Last-Event-ID; but it gives up for good when it gets
// an HTTP error, and does not notice a connection that is dead. Then, when three keep-alive intervals bring no sign of life, the page
// reads the log, which refreshes the session where it must, and opens the stream after the last event it has. The log's numbers make sure
// that nothing is missed or shown twice.
import * as api from "./api.js";
import { Problem } from "./session.js";

const pause = 2000;
const names = [
  "queued", "vision", "rule", "answer", "reward", "done",
  "downloading", "classifying", "prompting", "generating", "uploading", "searching", "locating", "notifying",
];

// Calls show with each event once, or fail with the problem that ends the watching. Returns a function that stops it.
export function follow(job, url, show, fail) {
  let seen = 0;
  let patience = 30_000;
  let stream = null;
  let timer = null;
  let over = false;

  function stop() {
    over = true;
    clearTimeout(timer);
    stream?.close();
  }

  function take(event) {
    if (over || event.seq <= seen) return;
    seen = event.seq;
    if (event.stage === "done") stop();
    show(event);
  }

  function wait(time) {
    clearTimeout(timer);
    if (!over) timer = setTimeout(recover, time);
  }

  function open() {
    stream = new EventSource(seen > 0 ? `${url}?after=${seen}` : url);
    for (const name of names) {
      stream.addEventListener(name, (message) => { wait(patience); take(JSON.parse(message.data)); });
    }
    stream.addEventListener("stream", (message) => { patience = 3 * JSON.parse(message.data).keepalive_ms; wait(patience); });
    stream.addEventListener("keepalive", () => wait(patience));
    stream.addEventListener("error", (failure) => { if (failure.target.readyState === EventSource.CLOSED) wait(pause); });
    wait(patience);
  }

  async function recover() {
    stream.close();
    try {
      const log = await api.log(job, seen);
      log.entries.forEach(take);
      if (!over) open();
    } catch (problem) {
      if (problem instanceof Problem && [403, 404].includes(problem.status)) {
        stop();
        fail(problem);
      } else {
        wait(pause);
      }
    }
  }

  open();
  return stop;
}
