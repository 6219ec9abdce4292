// The desk page: a photo, the restyled desk to compare it with, and what can be bought for it. The task is named in the address' fragment, so that a page
// that is loaded again finds it.
import * as api from "../api.js";
import { $, complain, onLanguage, speak, text, won } from "../dom.js";
import { follow } from "../follow.js";
import * as photo from "../photo.js";
import { Problem } from "../session.js";
import * as signin from "../signin.js";

// Where pictures of products may come from; the gateway's policy for this page names the same.
const pictureHosts = ["shopping-phinf.pstatic.net"];
const quiet = 5000;
const ends = ["done", "failed", "rejected"];

let busy = false;
let view = null;

function occupy(value) {
  busy = value;
  $("start").disabled = busy || !photo.chosen();
  $("progress").hidden = !busy;
}

function begin(words) {
  view = null;
  for (const id of ["problem", "result"]) $(id).hidden = true;
  for (const item of document.querySelectorAll("#stages li")) item.className = "";
  $("bar").value = 0;
  $("now").textContent = words;
  occupy(true);
}

async function start() {
  begin(text().sending);
  try {
    const accepted = await api.restyle(photo.chosen(), document.querySelector("[name=concept]:checked").value);
    history.replaceState(null, "", `#${accepted.task_id}`);
    watch(accepted.task_id, accepted.events_url);
  } catch (problem) {
    occupy(false);
    complain(problem);
  }
}

function say(stage, progress) {
  $("bar").value = Math.max($("bar").value, progress);
  $("now").textContent = `${text().stages[stage] ?? stage} · ${$("bar").value} %`;
}

// The stream tells what happens. The task itself is asked at the end, and whenever the stream has been silent for a while, so that the page gets there
// without any stream as well.
function watch(task, events) {
  let over = false;
  let timer = null;

  const wait = (time) => { clearTimeout(timer); if (!over) timer = setTimeout(look, time); };
  const stop = () => { over = true; clearTimeout(timer); close(); };

  async function look() {
    try {
      const seen = await api.desk(task);
      if (over) return;
      $("problem").hidden = true;
      if (ends.includes(seen.status)) {
        stop();
        finish(seen);
        return;
      }
      say(seen.status, seen.progress);
    } catch (problem) {
      if (over) return;
      complain(problem);
      if (problem instanceof Problem && problem.status === 404) {
        stop();
        forget();
        return;
      }
    }
    wait(quiet);
  }

  function show(event) {
    if (event.stage === "done") {
      wait(0);
      return;
    }
    const item = document.querySelector(`[data-stage="${event.stage}"]`);
    if (item) item.className = event.stage === "queued" || event.stage === "notifying" ? "completed" : event.status;
    say(event.stage, event.progress);
    wait(quiet);
  }

  const close = follow(task, events, show, () => wait(0));
  wait(quiet);
}

function forget() {
  history.replaceState(null, "", location.pathname);
  occupy(false);
}

// A task that was begun before the page was loaded.
async function resume(task) {
  begin(text().looking);
  try {
    const seen = await api.desk(task);
    if (ends.includes(seen.status)) {
      finish(seen);
      return;
    }
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 404) {
      forget();
      complain(problem);
      return;
    }
  }
  watch(task, `/api/v1/jobs/${task}/events`);
}

function finish(seen) {
  view = seen;
  occupy(false);
  if (!seen.result) {
    complain(new Problem(0, seen.error.code, seen.error.message));
    return;
  }
  render();
  $("result").hidden = false;
  $("result").focus();
}

function render() {
  const { result } = view;
  $("caption").textContent = result.caption;
  $("local").hidden = result.image_model !== "local";
  for (const [id, address, words] of [["before", result.before_image_url, text().before], ["made", result.processed_image_url, text().after]]) {
    $(id).src = ours(address);
    $(id).alt = words;
  }
  cut();
  const places = [];
  const cards = result.products.map((product) => card(product, mark(places, product)));
  $("marks").replaceChildren(...places.map(({ x, y }, index) => {
    const made = badge(index + 1);
    made.style.left = `${(100 * x) / result.coord_space}%`;
    made.style.top = `${(100 * y) / result.coord_space}%`;
    return made;
  }));
  $("products").replaceChildren(...cards);
  $("no-products").hidden = cards.length > 0;
  $("provenance").textContent = `${text().drawnBy}: ${result.image_model}`;
}

// Pictures are read through the gateway, wherever else they may be had from: the page loads nothing of its own from other hosts.
function ours(address) {
  const [key] = new URL(address).pathname.match(/generated\/[^/]+$/) ?? [];
  return key ? `/api/v1/images/${key}` : address;
}

function cut() {
  const share = $("cut").value;
  $("compare").style.setProperty("--cut", `${share}%`);
  $("cut").ariaLabel = text().slide;
  $("cut").ariaValueText = `${text().before} ${share} %, ${text().after} ${100 - share} %`;
}

// The number of a product's place in the picture; proposals for the same thing share it.
function mark(places, { center_x: x, center_y: y }) {
  if (x === null || y === null) return 0;
  const known = places.findIndex((place) => place.x === x && place.y === y);
  return known >= 0 ? known + 1 : places.push({ x, y });
}

function badge(number) {
  const made = document.createElement("span");
  made.className = "mark";
  made.textContent = number;
  return made;
}

function line(tag, words, name = "") {
  const made = document.createElement(tag);
  made.textContent = words;
  made.className = name;
  return made;
}

const parse = (address) => (URL.canParse(address) ? new URL(address) : null);

function shot(product) {
  const placeholder = line("div", product.sub_category, "picture");
  placeholder.ariaHidden = "true";
  const address = parse(product.image_path);
  if (address?.protocol !== "https:" || !pictureHosts.includes(address.host)) return placeholder;
  const image = new Image(400, 300);
  image.className = "picture";
  image.alt = "";
  image.loading = "lazy";
  image.referrerPolicy = "no-referrer";
  image.addEventListener("error", () => image.replaceWith(placeholder));
  image.src = address.href;
  return image;
}

function card(product, number) {
  const made = document.createElement("li");
  const leads = parse(product.purchase_url)?.protocol === "https:";
  const name = line(leads ? "a" : "strong", product.name);
  if (leads) {
    name.href = product.purchase_url;
    name.target = "_blank";
    name.rel = "noopener noreferrer";
  }
  made.append(
    shot(product), name, line("span", product.price === null ? text().noPrice : won(product.price), "price"), line("span", product.purchase_place),
    line("small", [...new Set([product.main_category, product.sub_category])].join(" › ")));
  if (number > 0) {
    const place = line("small", `${text().inPicture} `);
    place.append(badge(number));
    made.append(place);
  }
  return made;
}

$("start").addEventListener("click", start);
$("cut").addEventListener("input", cut);
signin.start();
photo.start(() => { $("start").disabled = busy; });
onLanguage(() => {
  if (view?.result) render();
  else if (view) finish(view);
});
speak();
const [task] = location.hash.match(/(?<=^#)[0-9a-f-]{36}$/) ?? [];
if (task) resume(task);
