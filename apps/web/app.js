import * as account from "./account.js";
import * as api from "./api.js";
import { $, button, complain, list, onLanguage, speak, text, when } from "./dom.js";
import { follow } from "./follow.js";
import * as photo from "./photo.js";
import { Problem } from "./session.js";
import * as signin from "./signin.js";

let stop = null;
let job = null;

async function start() {
  $("problem").hidden = true;
  $("result").hidden = true;
  $("start").disabled = true;
  for (const item of document.querySelectorAll("#stages li")) item.className = "";
  $("bar").value = 0;
  $("progress").hidden = false;
  try {
    const accepted = await api.scan(photo.chosen(), $("question").value || text().ask);
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
  $("start").disabled = !photo.chosen();
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
  // Points and character are booked by message: a moment after the scan's end, later where the platform is busy.
  if (event.result?.reward) for (const wait of [1500, 5000, 15000]) setTimeout(refresh, wait);
}

function showEnd(status, code, message) {
  complain(new Problem(0, code ?? status, message ?? text().failed));
  if (status === "cancelled") $("problem").textContent = text().states.cancelled;
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
    const [mine, ledger] = await Promise.all([api.scans(), api.points(), account.showCharacters()]);
    list($("scans"), mine.scans.length === 0 ? [text().noScans] : mine.scans.map((scan) =>
      button(`${when(scan.created_at)} · ${text().states[scan.status] ?? scan.status}`, async () => {
        const done = await api.result(scan.job_id).catch((problem) => complain(problem));
        if (done?.pipeline_result) showResult(done);
        else if (done && scan.status !== "processing") showEnd(scan.status, done.error, done.message);
        else if (scan.status === "processing") watch(scan.job_id, `/api/v1/scan/${scan.job_id}/events`);
      })));
    $("points").textContent = `${ledger.points} ${text().points}`;
  } catch (problem) {
    complain(problem);
  }
}

$("start").addEventListener("click", start);
$("cancel").addEventListener("click", () => api.cancel(job).catch((problem) => complain(problem)));
signin.start();
account.start();
photo.start(() => { $("start").disabled = false; });
onLanguage(refresh);
speak();
refresh();
