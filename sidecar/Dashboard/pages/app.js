// The dashboard's page: reads /api/run every two seconds, workflows on demand and logs as they come. Everything shown is set as text.
const refresh = 2000, maxLines = 5000;
const $ = (selector) => document.querySelector(selector);
const statuses = ["Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended"];

function element(tag, content, className) {
  const node = document.createElement(tag);
  node.append(...(Array.isArray(content) ? content : [content ?? ""]));
  if (className) node.className = className;
  return node;
}

function fill(selector, rows, nothing) {
  const cells = (row) => element("tr", row.map((cell) => element("td", cell)));
  const columns = $(`${selector} thead tr`).children.length;
  const empty = element("td", nothing, "quiet");
  empty.colSpan = columns;
  $(`${selector} tbody`).replaceChildren(...(rows.length ? rows.map(cells) : [element("tr", [empty])]));
}

const pill = (text) => element("span", text, `state ${{ ready: "good", down: "bad", "not ready": "busy", Completed: "good", Failed: "bad", Terminated: "bad", Running: "busy" }[text] ?? ""}`);
const time = (text) => (text ? new Date(text).toLocaleString() : "");
const text = (value) => `${value ?? ""}`;

function took(start, end) {
  if (!start || !end) return "";
  const ms = new Date(end) - new Date(start);
  return ms < 1000 ? `${ms} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

async function get(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (response.ok) return response.json();
  const type = response.headers.get("content-type") ?? "";
  throw new Error(type.includes("json") ? (await response.json()).detail : await response.text());
}

function say(problem) {
  $("#problem").hidden = !problem;
  $("#problem").textContent = problem ?? "";
}

// Tabs: the fragment of the address names the section.
function show() {
  const wanted = location.hash.slice(1).split("/")[0] || "apps";
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== wanted;
  for (const link of document.querySelectorAll("nav a")) link.toggleAttribute("aria-current", link.hash === `#${wanted}`);
  if (wanted === "workflows") list();
  if (wanted === "logs") follow();
}

// The run.
async function run() {
  try {
    const { data, processes } = await get("/api/run");
    $("#data").textContent = data;
    const apps = processes.filter((process) => process.metadata);
    fill("#apps", processes.map((p) => [p.name, pill(p.status), text(p.pid), text(p.appPort), text(p.httpPort), text(p.grpcPort), text(p.metadata?.workflows?.connectedWorkers)]), "Nothing runs here: ./daprw run -f dapr.yaml");
    fill("#components", components(apps), "None.");
    fill("#subscriptions", apps.flatMap((app) => (app.metadata.subscriptions ?? []).map((s) => [
      app.name, s.pubsubname, s.topic, s.rules.map((rule) => (rule.match ? `${rule.match} → ${rule.path}` : rule.path)).join(", "), text(s.deadLetterTopic), text(s.type).toLowerCase(),
    ])), "None.");
    fill("#actors", apps.flatMap((app) => (app.metadata.actors ?? app.metadata.actorRuntime?.activeActors ?? []).map((actor) => [app.name, actor.type, text(actor.count ?? 0)])), "No app hosts actors.");
    options("#workflow-app", [...new Set(apps.map((app) => app.appId))]);
    options("#log-process", ["", ...processes.map((process) => process.name.replace("#", "-"))]);
    say(null);
  } catch (error) {
    say(error instanceof TypeError ? "The dashboard has ended: start it again with ./daprw dashboard" : error.message);
  }
  setTimeout(run, refresh);
}

/** One row per component, with the apps that see it. */
function components(apps) {
  const seen = new Map();
  for (const app of apps) {
    for (const component of app.metadata.components ?? []) {
      const key = `${component.name} ${component.type}`;
      const row = seen.get(key) ?? { ...component, apps: new Set() };
      row.apps.add(app.appId);
      seen.set(key, row);
    }
  }
  return [...seen.values()].sort((a, b) => a.name.localeCompare(b.name)).map((c) => [c.name, c.type, text(c.version), (c.capabilities ?? []).join(", "), [...c.apps].sort().join(", ")]);
}

function options(selector, values) {
  const select = $(selector), old = [...select.options].map((option) => option.value);
  if (old.join("\n") === values.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(...values.map((value) => new Option(value || "all", value)));
  if (values.includes(chosen)) select.value = chosen;
  if (selector === "#workflow-app" && !$("#workflows").hidden) list();
}

// Workflows.
let next = null, shown = [];

async function list(after) {
  const app = $("#workflow-app").value;
  if (!app) return fill("#instances", [], "No app yet.");
  try {
    const page = await get(`/api/workflows/${encodeURIComponent(app)}${after ? `?after=${encodeURIComponent(after)}` : ""}`);
    shown = after ? [...shown, ...page.instances] : page.instances;
    next = page.next;
    instances();
  } catch (error) {
    shown = [];
    fill("#instances", [], error.message);
  }
  $("#more").hidden = !next;
}

function instances() {
  const status = $("#workflow-status").value;
  const rows = shown.filter((i) => !status || i.status === status).map((i) => {
    const open = element("button", i.id, "link");
    open.type = "button";
    open.onclick = () => detail(i.id);
    return [open, i.name, pill(i.status), time(i.created), took(i.created, i.completed)];
  });
  fill("#instances", rows, "None.");
}

async function detail(id) {
  const { instance, steps } = await get(`/api/workflows/${encodeURIComponent($("#workflow-app").value)}/${encodeURIComponent(id)}`);
  const facts = { Workflow: instance.name, Status: instance.status, Created: time(instance.created), Updated: time(instance.updated), Took: took(instance.created, instance.completed), Parent: instance.parent, "Custom status": instance.customStatus, Input: instance.input, Output: instance.output, Failure: instance.failure };
  $("#instance h2").textContent = id;
  $("#instance dl").replaceChildren(...Object.entries(facts).filter(([, value]) => value).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  const begin = Math.min(...steps.map((step) => new Date(step.start)));
  const end = Math.max(...steps.map((step) => new Date(step.end ?? instance.updated ?? step.start)), begin + 1);
  $("#steps").replaceChildren(...steps.map((step) => row(step, begin, end)));
  $("#instance").hidden = false;
  $("#instance").scrollIntoView({ block: "nearest" });
}

/** A step, with a bar that places it on the time line of the instance. */
function row(step, begin, end) {
  const line = element("li", [element("span", step.kind, "quiet"), element("span", step.name), element("span", step.outcome === "running" ? "running" : took(step.start, step.end)), bar(step, begin, end)], step.outcome);
  const said = [step.input && `in: ${step.input}`, step.output && `out: ${step.output}`].filter(Boolean).join("\n");
  if (said) line.append(element("details", [element("summary", "data"), element("pre", said)]));
  return line;
}

function bar(step, begin, end) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const share = (at) => (100 * (at - begin)) / (end - begin);
  const from = share(new Date(step.start)), to = step.end ? share(new Date(step.end)) : 100;
  for (const [name, value] of Object.entries({ x: `${from}%`, y: "3", height: "10", rx: "2", width: `${Math.max(to - from, 0.5)}%` })) rect.setAttribute(name, value);
  svg.append(rect);
  return svg;
}

// Logs.
let source = null, lines = [];

function follow() {
  source ??= Object.assign(new EventSource("/api/logs"), {
    onopen: () => { lines = []; $("#lines").replaceChildren(); },
    onmessage: ({ data }) => {
      const line = JSON.parse(data);
      lines.push(line);
      if (fits(line)) print([line]);
      if (lines.length > maxLines + 500) { lines = lines.slice(-maxLines); reprint(); }
    },
  });
}

const fits = ({ process, line }) => (!$("#log-process").value || process === $("#log-process").value) && line.includes($("#log-text").value);

function print(some) {
  $("#lines").append(...some.map(({ process, line }) => `${process} | ${line}\n`));
  if ($("#log-follow").checked) $("#lines").scrollTop = $("#lines").scrollHeight;
}

function reprint() {
  $("#lines").replaceChildren();
  print(lines.filter(fits));
}

$("#workflow-status").append(...statuses.map((status) => new Option(status)));
$("#workflow-app").onchange = $("#workflow-reload").onclick = () => { $("#instance").hidden = true; list(); };
$("#workflow-status").onchange = instances;
$("#more").onclick = () => list(next);
$("#log-process").onchange = $("#log-text").oninput = reprint;
for (const form of document.forms) form.onsubmit = (event) => event.preventDefault();
addEventListener("hashchange", show);
show();
run();
