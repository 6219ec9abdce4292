import * as api from "./api.js";
import { follow } from "./follow.js";
import { texts } from "./text.js";

const $ = (id) => document.getElementById(id);
let language = localStorage.getItem("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en");
const text = () => texts[language];
let picture = null;
let stop = null;
let job = null;

function write() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text()[element.dataset.text];
  for (const element of document.querySelectorAll("[data-stage]")) element.textContent = text().stages[element.dataset.stage];
  $("language").textContent = text().language;
}

function choose(file) {
  if (!file) return;
  picture = file;
  const preview = $("preview");
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
  $("start").disabled = false;
}

function complain(problem) {
  $("problem").textContent = problem instanceof api.Problem
    ? (problem.status === 413 ? text().tooLarge : `${problem.message} (${problem.code})`)
    : text().offline;
  $("problem").hidden = false;
}

async function start() {
  $("problem").hidden = true;
  $("result").hidden = true;
  $("start").disabled = true;
  for (const item of document.querySelectorAll("#stages li")) item.className = "";
  $("bar").value = 0;
  $("progress").hidden = false;
  try {
    const accepted = await api.withIdentity(() => api.scan(picture, $("question").value || text().ask));
    watch(accepted.job_id, accepted.stream_url);
  } catch (problem) {
    complain(problem);
    $("start").disabled = false;
  }
}

function watch(jobId, url) {
  job = jobId;
  $("cancel").hidden = false;
  stop?.();
  stop = follow(jobId, url, show, (problem) => { end(); complain(problem); });
}

function end() {
  $("cancel").hidden = true;
  $("start").disabled = !picture;
}

function show(event) {
  $("bar").value = event.progress;
  const item = document.querySelector(`[data-stage="${event.stage}"]`);
  if (item) item.className = event.stage === "queued" ? "completed" : event.status;
  if (event.stage !== "done") return;
  end();
  if (event.status === "completed") showResult(event.result);
  else showEnd(event.status, event.result?.error, event.message);
  refresh();
  // Points and character are booked by message, a moment after the scan's end.
  if (event.result?.reward) setTimeout(refresh, 1500);
}

function showEnd(status, code, message) {
  complain(new api.Problem(0, code ?? status, message ?? text().failed));
  if (status === "cancelled") $("problem").textContent = text().states.cancelled;
}

function list(element, items) {
  element.replaceChildren(...items.map((item) => {
    const line = document.createElement("li");
    line.append(item);
    return line;
  }));
}

function showResult(result) {
  const { classification_result: seen, final_answer: answer } = result.pipeline_result;
  const kind = seen.classification;
  $("what").textContent = [...new Set([kind.major_category, kind.middle_category, kind.minor_category])].filter(Boolean).join(" › ");
  const percent = (share) => `${Math.round(share * 100)} %`;
  $("certainty").textContent = [
    seen.meta.unsure ? text().unsure : null,
    seen.meta.confidence == null ? null : `${text().confidence} ${percent(seen.meta.confidence)}`,
    seen.meta.runner_up ? `${text().runnerUp}: ${seen.meta.runner_up.category} ${percent(seen.meta.runner_up.confidence)}` : null,
  ].filter(Boolean).join(" · ");
  $("answer").textContent = answer.user_answer;
  list($("steps"), Object.values(answer.disposal_steps));
  list($("lacking"), answer.insufficiencies);
  $("reward").hidden = !result.reward;
  if (result.reward) {
    $("reward-name").textContent = `${result.reward.name} +${result.reward.points}`;
    $("reward-dialog").textContent = result.reward.dialog;
    $("reward-note").textContent = result.reward.already_owned ? text().owned : text().fresh;
  }
  $("provenance").textContent = `${text().by}: ${seen.meta.provider} / ${seen.meta.model}`;
  $("result").hidden = false;
}

async function refresh() {
  try {
    const [mine, friends, ledger] = await api.withIdentity(() => Promise.all([api.scans(), api.characters(), api.points()]));
    list($("scans"), mine.scans.length === 0 ? [text().noScans] : mine.scans.map((scan) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${new Date(scan.created_at).toLocaleString(language)} · ${text().states[scan.status] ?? scan.status}`;
      button.addEventListener("click", async () => {
        const done = await api.result(scan.job_id).catch(complain);
        if (done?.pipeline_result) showResult(done);
        else if (done && scan.status !== "processing") showEnd(scan.status, done.error, done.message);
        else if (scan.status === "processing") watch(scan.job_id, `/api/v1/scan/${scan.job_id}/events`);
      });
      return button;
    }));
    list($("characters"), friends.map((friend) => `${friend.name} — ${friend.dialog}`));
    $("points").textContent = `${ledger.points} ${text().points}`;
  } catch (problem) {
    complain(problem);
  }
}

$("file").addEventListener("change", (event) => choose(event.target.files[0]));
$("drop").addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  choose(event.dataTransfer.files[0]);
});
$("start").addEventListener("click", start);
$("cancel").addEventListener("click", () => api.cancel(job).catch(complain));
$("language").addEventListener("click", () => {
  language = language === "ko" ? "en" : "ko";
  localStorage.setItem("language", language);
  write();
  refresh();
});
write();
refresh();
