import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { appId, changeConfiguration, connect, isGrpc, raw, Seen } from "./harness.mjs";

const client = connect();

test("the sidecar is healthy", async () => {
  assert.equal(await client.health.isHealthy(), true);
});

test("metadata names the app and its components, and takes attributes", async () => {
  await client.metadata.set("colour", "green");

  const metadata = await client.metadata.get();

  assert.equal(metadata.id, appId);
  assert.equal(metadata.extended.colour, "green");
  const store = metadata.components.find((component) => component.name === "statestore");
  assert.equal(store.type, "state.tandem");
  assert.ok(store.capabilities.includes("ETAG"));
});

test("a secret is read, alone and with all others", async () => {
  assert.deepEqual(await client.secret.get("secrets", "door"), { door: "4711" });
  assert.deepEqual((await client.secret.getBulk("secrets")).door, { door: "4711" });
});

test("a secret that is not there is an error", async () => {
  await assert.rejects(client.secret.get("secrets", "nobody"));
});

test("one owner holds a lock", async () => {
  assert.equal((await client.lock.lock("lock", "gate", "anna", 60)).success, true);
  assert.equal((await client.lock.lock("lock", "gate", "bert", 60)).success, false);
  assert.equal((await client.lock.unlock("lock", "gate", "bert")).status, 2);
  assert.equal((await client.lock.unlock("lock", "gate", "anna")).status, 0);
  assert.equal((await client.lock.unlock("lock", "gate", "anna")).status, 1);
});

test("an output binding stores and gives back", async () => {
  await client.binding.send("objects", "create", "a picture", { fileName: "picture.txt" });

  const answer = await client.binding.send("objects", "get", "", { fileName: "picture.txt" });

  // Over gRPC the SDK hands on the bytes.
  const text = isGrpc ? Buffer.from(answer.data).toString() : answer;
  assert.match(text, /a picture/);
});

test("an operation a binding does not have is an error", async () => {
  await assert.rejects(client.binding.send("objects", "fly", "x", {}));
});

test("configuration is read", { skip: !isGrpc && "the SDK has it over gRPC only" }, async () => {
  const { items } = await client.configuration.get("configuration", ["theme"]);

  assert.equal(items.theme.value, "dark");
  assert.deepEqual(Object.keys((await client.configuration.get("configuration", [])).items).sort(), ["size", "theme"]);
});

test("a change of configuration is heard of, until one stops to listen", { skip: !isGrpc && "the SDK has it over gRPC only" }, async () => {
  const seen = new Seen();
  const subscription = await client.configuration.subscribeWithKeys("configuration", ["theme"], async (data) => seen.add(data.items.theme.value));

  try {
    // The SDK answers before the sidecar has taken the subscription: what changed until then is not heard of.
    for (let change = 1; seen.all.length === 0 && change <= 10; change++) {
      await changeConfiguration({ theme: `light ${change}`, size: "12" });
      await sleep(1500);
    }
    await seen.first((value) => value.startsWith("light "));
  } finally {
    await subscription.stop();
  }
});

test("a request without the token is refused", async () => {
  const answer = await raw("/v1.0/metadata", { headers: { "dapr-api-token": "" } });

  assert.equal(answer.status, 401);
});
