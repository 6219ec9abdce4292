// The way in: what auth has switched on.
import { $, button, complain, onLanguage, text } from "./dom.js";
import * as session from "./session.js";

const markup = `
  <h2 id="signin-title" tabindex="-1" data-text="signInTitle"></h2>
  <div id="ways"></div>
  <form id="signin-form" hidden>
    <label><span data-text="email"></span><input id="email" type="email" autocomplete="username" required maxlength="254"></label>
    <label><span data-text="password"></span><input id="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
    <label id="nickname-line" hidden><span data-text="nicknameOptional"></span><input id="new-nickname" type="text" autocomplete="nickname" maxlength="120"></label>
    <button id="signin-submit" type="submit" data-text="signIn"></button>
    <button id="signin-switch" type="button" class="quiet" data-text="noAccount"></button>
  </form>
  <p id="signin-problem" class="problem" role="alert" hidden></p>
`;

async function attempt(action) {
  $("signin-problem").hidden = true;
  $("signin-form").inert = true;
  try {
    await action();
    $("password").value = "";
  } catch (problem) {
    complain(problem, "signin-problem");
  } finally {
    $("signin-form").inert = false;
  }
}

let methods = null;

async function offer() {
  try {
    methods ??= await session.methods();
  } catch (problem) {
    complain(problem, "signin-problem");
    $("ways").replaceChildren(button(text().retry, () => { $("signin-problem").hidden = true; offer(); }));
    return;
  }
  const has = (kind) => methods.some((method) => method.kind === kind);
  $("signin-form").hidden = !has("password");
  $("ways").replaceChildren(...methods.filter((method) => method.kind !== "password").map((method) => {
    const way = button(text().ways[method.name] ?? method.name, () => attempt(method.kind === "guest" ? session.asGuest : () => session.byProvider(method.name)));
    way.id = `by-${method.name}`;
    return way;
  }));
}

function fill(registers) {
  $("nickname-line").hidden = !registers;
  $("password").autocomplete = registers ? "new-password" : "current-password";
  for (const [id, name] of [["signin-submit", registers ? "register" : "signIn"], ["signin-switch", registers ? "haveAccount" : "noAccount"]]) {
    $(id).dataset.text = name;
    $(id).textContent = text()[name];
  }
}

export function start() {
  $("signin").innerHTML = markup;
  $("signin-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const [email, password] = [$("email").value, $("password").value];
    attempt($("nickname-line").hidden ? () => session.byPassword(email, password) : () => session.register(email, password, $("new-nickname").value));
  });
  $("signin-switch").addEventListener("click", () => fill($("nickname-line").hidden));
  if (session.comeBack()) {
    $("signin-problem").textContent = text().providerFailed;
    $("signin-problem").hidden = false;
  }
  onLanguage(() => { if (!$("signin").hidden) offer(); });
  session.onChange((signedIn) => {
    $("signin").hidden = signedIn;
    $("account-open")?.toggleAttribute("hidden", !signedIn);
    if (signedIn) $("signin-problem").hidden = true;
    else offer().then(() => $("signin-title").focus());
  });
}
