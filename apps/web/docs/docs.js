// Shows /openapi/v1.json: every operation with its parameters, bodies, schemas and examples.
const methods = ["get", "post", "put", "patch", "delete"];
const make = (tag, text, ...children) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

let api;
const follow = thing => thing?.$ref ? thing.$ref.slice(2).split("/").reduce((node, part) => node?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], api) : thing;
const json = value => make("pre", typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** A schema as a short text: member: type, with ? for what may be missing. */
function shape(schema, depth = 0) {
  if (schema?.$ref && depth > 3) return schema.$ref.split("/").pop();
  const real = follow(schema) ?? {};
  const indent = "  ".repeat(depth + 1);
  const type = [real.type ?? "any"].flat().filter(one => one !== "null").join(" | ");
  if (real.oneOf || real.anyOf) return (real.oneOf ?? real.anyOf).filter(one => one.type !== "null").map(one => shape(one, depth)).join(" | ");
  if (real.items) return `[${shape(real.items, depth)}]`;
  if (!real.properties) return real.additionalProperties ? `{ name: ${shape(real.additionalProperties, depth)} }` : type + (real.format ? ` (${real.format})` : "");
  const lines = Object.entries(real.properties).map(([name, member]) =>
    `${indent}${name}${real.required?.includes(name) ? "" : "?"}: ${shape(member, depth + 1)}${follow(member)?.description && depth < 2 ? `  // ${follow(member).description}` : ""}`);
  return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}

function body(content = {}) {
  return Object.entries(content).flatMap(([type, media]) => {
    const example = media.example ?? follow(Object.values(media.examples ?? {})[0])?.value;
    return [make("div", type), ...(type.includes("problem") ? [] : [json(shape(media.schema)), ...(example === undefined ? [] : [json(example)])])];
  });
}

function details(operation) {
  const parts = [];
  if (operation.description) parts.push(make("p", operation.description));
  const ways = operation.security?.flatMap(Object.keys) ?? [];
  parts.push(make("p", (ways.length ? `Sign in by: ${ways.join(", ")}` : "For everybody") + (operation["x-scope"] ? `; scope of machine clients: ${operation["x-scope"]}` : "")));
  if (operation.parameters?.length) {
    const rows = operation.parameters.map(follow).map(one => make("tr", "", make("td", `${one.name} (${one.in}${one.required ? ", required" : ""})`), make("td", one.description ?? "")));
    parts.push(make("h3", "Parameters"), make("table", "", ...rows));
  }
  if (operation.requestBody) parts.push(make("h3", "Request"), ...body(operation.requestBody.content));
  for (const [status, response] of Object.entries(operation.responses)) {
    parts.push(make("h3", `${status} ${response.description ?? ""}`), ...body(response.content));
  }
  return parts;
}

function show(text) {
  const list = document.getElementById("operations");
  list.replaceChildren();
  for (const { name } of api.tags) {
    const rows = Object.entries(api.paths).flatMap(([path, item]) => methods.filter(method => item[method]?.tags?.includes(name)).map(method => [path, method, item[method]]))
      .filter(([path, method, operation]) => `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase().includes(text));
    if (rows.length) list.append(make("h2", name));
    for (const [path, method, operation] of rows) {
      const row = make("details", "", make("summary", "", make("b", method.toUpperCase()), make("code", path), make("span", operation.summary)));
      row.className = operation.deprecated ? "old" : "";
      row.addEventListener("toggle", () => row.children.length === 1 && row.append(...details(operation)), { once: true });
      list.append(row);
    }
  }
}

try {
  const answer = await fetch("/openapi/v1.json");
  if (!answer.ok) throw new Error(`${answer.status}`);
  api = await answer.json();
  show("");
  document.getElementById("find").addEventListener("input", event => show(event.target.value.toLowerCase()));
  if (api["x-missing"]) throw new Error(`not there just now: ${api["x-missing"].join(", ")}`);
} catch (error) {
  const problem = document.getElementById("problem");
  problem.textContent = `The description of the API is not complete (${error.message}).`;
  problem.hidden = false;
}
