// Small things that the parts of the page share.
import { Problem } from "./session.js";
import { texts } from "./text.js";

export const $ = (id) => document.getElementById(id);

let language = localStorage.getItem("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en");
export const text = () => texts[language];
export const when = (time) => new Date(time).toLocaleString(language);
export const won = (price) => price.toLocaleString(language, { style: "currency", currency: "KRW" });

// Everything on the page that is words alone.
function write() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text()[element.dataset.text];
  for (const element of document.querySelectorAll("[data-stage]")) element.textContent = text().stages[element.dataset.stage];
  $("language").textContent = text().language;
}

const listeners = [];

// Calls the listener whenever the language has changed.
export const onLanguage = (listen) => listeners.push(listen);

// Writes the words of the page, when all of it is there, and again in the other language when the person asks for that.
export function speak() {
  write();
  $("language").addEventListener("click", () => {
    language = language === "ko" ? "en" : "ko";
    localStorage.setItem("language", language);
    write();
    for (const listen of listeners) listen();
  });
}

export function list(element, items) {
  element.replaceChildren(...items.map((item) => {
    const line = document.createElement("li");
    line.append(...[item].flat());
    return line;
  }));
}

export function button(label, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", action);
  return made;
}

// Known codes in the page's own words, others in those of who refused.
function words(problem) {
  if (problem.status === 413) return text().tooLarge;
  const later = problem.retryAfter > 0 ? ` ${text().again} ${when(Date.now() + 1000 * problem.retryAfter)}` : "";
  return text().problems[problem.code] ? `${text().problems[problem.code]}${later} (${problem.code})` : `${problem.message} (${problem.code})`;
}

export function complain(problem, id = "problem") {
  $(id).textContent = problem instanceof Problem ? words(problem) : text().offline;
  $(id).hidden = false;
}
