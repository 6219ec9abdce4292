import assert from "node:assert/strict";
import test from "node:test";
import { appId, isGrpc, Seen, serve, HttpMethod } from "./harness.mjs";

const pubsub = "pubsub";
const plain = new Seen(), json = new Seen(), routed = new Seen(), bulk = new Seen(), rawSeen = new Seen();
const dead = new Seen(), declared = new Seen(), ticks = new Seen(), retried = new Seen();
let attempts = 0;

const server = await serve(async (app) => {
  await app.pubsub.subscribe(pubsub, "plain", async (data) => plain.add(data));
  await app.pubsub.subscribe(pubsub, "json", async (data, headers) => json.add({ data, headers }));
  await app.pubsub.subscribe(pubsub, "raw", async (data) => rawSeen.add(data), "raw-events", { rawPayload: "true" });
  await app.pubsub.subscribe(pubsub, "routed", async () => undefined, {
    default: "other",
    rules: [{ match: `event.type == "lamp"`, path: "lamps" }],
  });
  app.pubsub.subscribeToRoute(pubsub, "routed", "lamps", async (data) => routed.add({ path: "lamps", data }));
  app.pubsub.subscribeToRoute(pubsub, "routed", "other", async (data) => routed.add({ path: "other", data }));
  await app.pubsub.subscribeBulk(pubsub, "bulk", async (data) => bulk.add(data), { maxMessagesCount: 10, maxAwaitDurationMs: 50 });
  await app.pubsub.subscribe(pubsub, "retried", async (data) => {
    retried.add(data);
    return ++attempts < 3 ? "RETRY" : "SUCCESS";
  });
  await app.pubsub.subscribeWithOptions(pubsub, "poison", { deadLetterTopic: "poison-dead", callback: async () => "DROP" });
  await app.pubsub.subscribe(pubsub, "poison-dead", async (data) => dead.add(data));
  await app.binding.receive("tick", async (data) => ticks.add(data ?? null));
  await app.invoker.listen("greet", async ({ body }) => ({ hello: JSON.parse(body).name }), { method: HttpMethod.POST });
  await app.invoker.listen("about", async ({ query }) => ({ query }), { method: HttpMethod.GET });
  app.daprServer.getServer().post("/declared", (request, response) => {
    declared.add(request.body.data);
    response.sendStatus(200);
  });
  app.daprServer.getServer().post("/teapot", (_, response) => response.status(418).json({ short: "stout" }));
});
const { client } = server;

test("a text and an object arrive as published", async () => {
  await client.pubsub.publish(pubsub, "plain", "hello");
  await client.pubsub.publish(pubsub, "json", { id: 7 });

  assert.equal(await plain.first(), "hello");
  assert.deepEqual((await json.first()).data, { id: 7 });
});

test("rules choose the path by the event", async () => {
  await client.pubsub.publish(pubsub, "routed", { id: 1 }, { metadata: { "cloudevent.type": "lamp" } });
  await client.pubsub.publish(pubsub, "routed", { id: 2 }, { metadata: { "cloudevent.type": "chair" } });

  assert.equal((await routed.first((event) => event.data.id === 1)).path, "lamps");
  assert.equal((await routed.first((event) => event.data.id === 2)).path, "other");
});

test("a cloud event is taken as one", async () => {
  const event = { specversion: "1.0", type: "chair", source: "shop", id: "42", data: { id: 3 }, datacontenttype: "application/json" };
  await client.pubsub.publish(pubsub, "routed", event, { contentType: "application/cloudevents+json" });

  assert.equal((await routed.first((seen) => seen.data.id === 3)).path, "other");
});

test("a raw payload arrives without an envelope", async () => {
  await client.pubsub.publish(pubsub, "raw", { id: 9 }, { metadata: { rawPayload: "true" } });

  assert.deepEqual(await rawSeen.first(), { id: 9 });
});

test("many messages are published and delivered in bulk", async () => {
  const published = await client.pubsub.publishBulk(pubsub, "bulk", ["a", { b: 1 }, { entryID: "three", event: "c", contentType: "text/plain", metadata: {} }]);

  assert.deepEqual(published.failedMessages, []);
  const seen = await bulk.count(3);
  assert.deepEqual(seen.map((data) => JSON.stringify(data)).sort(), ['"a"', '"c"', '{"b":1}'].sort());
});

test("a message is delivered again until it is taken", async () => {
  await client.pubsub.publish(pubsub, "retried", "again");

  assert.deepEqual(await retried.count(3), ["again", "again", "again"]);
});

test("what is dropped is a dead letter", async () => {
  await client.pubsub.publish(pubsub, "poison", "bad");

  assert.equal(await dead.first(), "bad");
});

test("a declared subscription is served", async () => {
  await client.pubsub.publish(pubsub, "declared", { id: 5 });

  assert.deepEqual(await declared.first(), { id: 5 });
});

test("publishing to nobody's component is an error", async () => {
  const failure = await client.pubsub.publish("nowhere", "plain", "x").catch((error) => error);

  assert.ok(failure.error);
});

test("an input binding calls the app", async () => {
  await ticks.first();
});

test("a method is invoked, with body and query", async () => {
  assert.deepEqual(await client.invoker.invoke(appId, "greet", HttpMethod.POST, { name: "anna" }), { hello: "anna" });
  if (!isGrpc) {
    assert.deepEqual(await client.invoker.invoke(appId, "about?x=1&y=a%20b", HttpMethod.GET), { query: "/about?x=1&y=a%20b" });
  }
});

test("the answer of an app that fails is an error with its status", async () => {
  const failure = await client.invoker.invoke(appId, "teapot", HttpMethod.POST, {}).catch((error) => error);

  assert.match(`${failure.message}`, isGrpc ? /teapot/ : /"status":418/);
});

test("an app that nobody knows is an error", async () => {
  await assert.rejects(client.invoker.invoke("nobody", "greet", HttpMethod.POST, {}));
});
