import assert from "node:assert/strict";
import test from "node:test";
import { connect, isGrpc, raw } from "./harness.mjs";

const { state } = connect();
const store = "statestore";

test("a value is read as it was saved", async () => {
  await state.save(store, [
    { key: "text", value: "héllo" },
    { key: "object", value: { n: 1, list: [true, null] } },
  ]);

  assert.equal(await state.get(store, "text"), "héllo");
  assert.deepEqual(await state.get(store, "object"), { n: 1, list: [true, null] });
});

test("a key that is not there reads as the empty text", async () => {
  assert.equal(await state.get(store, "nobody"), "");
});

test("many keys are read at once, with their etags", async () => {
  await state.save(store, [
    { key: "bulk-1", value: "one" },
    { key: "bulk-2", value: "two" },
  ]);

  const items = await state.getBulk(store, ["bulk-1", "bulk-2", "bulk-3"]);

  assert.deepEqual(items.map((item) => item.key).sort(), ["bulk-1", "bulk-2", "bulk-3"]);
  assert.equal(items.find((item) => item.key === "bulk-2").data, "two");
  assert.ok(items.find((item) => item.key === "bulk-1").etag);
});

test("what is deleted is gone", async () => {
  await state.save(store, [{ key: "short", value: 1 }]);
  await state.delete(store, "short");

  assert.equal(await state.get(store, "short"), "");
});

test("a stale etag loses", async () => {
  await state.save(store, [{ key: "etag", value: "1" }]);
  const [{ etag }] = await state.getBulk(store, ["etag"]);
  await state.save(store, [{ key: "etag", value: "2" }]);

  // Over HTTP the SDK answers the error, over gRPC it throws it.
  const lost = await refused(() => state.save(store, [{ key: "etag", value: "3", etag }]));
  const kept = await refused(() => state.delete(store, "etag", { etag }));

  assert.match(lost, isGrpc ? /etag/i : /ERR_STATE_SAVE/);
  assert.match(kept, isGrpc ? /etag/i : /ERR_STATE_DELETE/);
  assert.equal(`${await state.get(store, "etag")}`, "2");
});

test("the etag that was read wins", async () => {
  await state.save(store, [{ key: "etag-2", value: "1" }]);
  const [{ etag }] = await state.getBulk(store, ["etag-2"]);

  await state.save(store, [{ key: "etag-2", value: "2", etag, options: { concurrency: 1, consistency: 2 } }]);

  assert.equal(`${await state.get(store, "etag-2")}`, "2");
});

test("a transaction is done as a whole", async () => {
  await state.save(store, [{ key: "tx-old", value: "x" }]);
  await state.transaction(store, [
    { operation: "upsert", request: { key: "tx-new", value: "made" } },
    { operation: "delete", request: { key: "tx-old" } },
  ]);

  assert.equal(await state.get(store, "tx-new"), "made");
  assert.equal(await state.get(store, "tx-old"), "");
});

test("a value ends with its time to live", async () => {
  await state.save(store, [{ key: "ttl", value: "brief", metadata: { ttlInSeconds: "600" } }]);

  const answer = await raw(`/v1.0/state/${store}/ttl`);

  assert.ok(new Date(answer.headers.get("metadata.ttlexpiretime")) > new Date());
});

test("an unknown store is an error", async () => {
  assert.match(await refused(() => state.save("nowhere", [{ key: "a", value: "b" }])), isGrpc ? /nowhere/ : /ERR_STATE_STORE_NOT_FOUND/);
});

async function refused(operation) {
  try {
    return `${(await operation()).error}`;
  } catch (error) {
    return `${error}`;
  }
}
