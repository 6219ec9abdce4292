// The person's own data: name, characters, devices, and the ways out.
import * as api from "./api.js";
import { $, button, complain, list, onLanguage, text, when } from "./dom.js";
import * as session from "./session.js";

const attempt = async (action) => {
  $("account-problem").hidden = true;
  try {
    await action();
  } catch (problem) {
    complain(problem, "account-problem");
  }
};

// Those one has, then those that can still be won.
export async function showCharacters() {
  const [mine, all] = await Promise.all([api.characters(), api.catalogue()]);
  const owned = new Set(mine.map((friend) => friend.code));
  list($("characters"), mine.map((friend) => `${friend.name} — ${friend.dialog}`));
  list($("missing"), all.filter((friend) => !owned.has(friend.code)).map((friend) => [friend.name, friend.match ? ` — ${friend.match}` : ""].join("")));
  $("missing-title").hidden = $("missing").childElementCount === 0;
}

async function show() {
  const [me, { sessions }] = await Promise.all([api.me(), api.devices()]);
  $("who").textContent = `${me.display_name} · ${me.provider}`;
  $("nickname").value = me.nickname ?? "";
  list($("devices"), sessions.map((device) => [
    `${device.device?.user_agent ?? text().unknownDevice} · ${when(device.refreshed_at)} `,
    device.current ? text().thisDevice : button(text().end, () => attempt(async () => { await api.endDevice(device.id); await show(); })),
  ]));
}

export function start() {
  $("account-open").addEventListener("click", () => {
    $("account").hidden = !$("account").hidden;
    $("account-open").ariaExpanded = String(!$("account").hidden);
    if (!$("account").hidden) attempt(show);
  });
  $("profile").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => { await api.rename($("nickname").value); await show(); });
  });
  $("signout").addEventListener("click", () => attempt(session.signOut));
  $("signout-all").addEventListener("click", () => attempt(session.signOutEverywhere));
  $("delete").addEventListener("click", () => { $("delete-sure").hidden = false; $("delete-yes").focus(); });
  $("delete-no").addEventListener("click", () => { $("delete-sure").hidden = true; $("delete").focus(); });
  $("delete-yes").addEventListener("click", () => attempt(session.deleteAccount));
  onLanguage(() => { if (!$("account").hidden) attempt(show); });
}
