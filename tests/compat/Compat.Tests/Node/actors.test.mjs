import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import dapr from "@dapr/dapr";
import { CommunicationProtocolEnum, connect, raw, Seen, serve } from "./harness.mjs";

const { AbstractActor, ActorId, ActorProxyBuilder } = dapr;
const fired = new Seen();
let running = 0;

class Counter extends AbstractActor {
  async onDeactivate() {
    fired.add({ id: this.getActorId().getId(), what: "deactivated" });
  }

  async add(n) {
    const state = this.getStateManager();
    const [known, value] = await state.tryGetState("count");
    const count = (known ? Number(value) : 0) + n;
    await state.setState("count", count);
    return count;
  }

  async alone() {
    assert.equal(++running, 1);
    await new Promise((done) => setImmediate(done));
    running--;
    return "alone";
  }

  async fail() {
    throw new Error("broken on purpose");
  }

  async startTimer() {
    await this.registerActorTimer("blink", "blink", "100ms", "100ms", undefined, 5);
  }

  async stopTimer() {
    await this.unregisterActorTimer("blink");
  }

  async blink(data) {
    fired.add({ id: this.getActorId().getId(), what: "timer", data });
  }

  async startReminder() {
    await this.registerActorReminder("wake", "200ms", "1h", undefined, "tea");
  }

  async stopReminder() {
    await this.unregisterActorReminder("wake");
  }

  async receiveReminder(data) {
    fired.add({ id: this.getActorId().getId(), what: "reminder", data });
  }
}

// Only callers use gRPC: the SDK's own state manager loses the type of values over it.
await serve(async (app) => {
  await app.actor.init();
  await app.actor.registerActor(Counter);
}, CommunicationProtocolEnum.HTTP);
await hosted("Counter");
const proxies = new ActorProxyBuilder(Counter, connect());
const actor = (id) => proxies.build(new ActorId(id));

/** The sidecar asks the app for its types after it has begun to listen: waits until they are known. */
async function hosted(name) {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    const { actors } = await (await raw("/v1.0/metadata", { signal })).json();
    if (actors.some((type) => type.type === name)) {
      return;
    }
    await sleep(20, undefined, { signal });
  }
}

test("an actor keeps its state", async () => {
  assert.equal(Number(await actor("a").add(2)), 2);
  assert.equal(Number(await actor("a").add(3)), 5);
  assert.equal(Number(await actor("b").add(1)), 1);
});

test("its calls take turns", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => actor("turns").alone()));

  assert.deepEqual(new Set(answers), new Set(["alone"]));
});

test("its failure is the caller's", async () => {
  await assert.rejects(actor("broken").fail());
});

test("a timer fires until it is stopped", async () => {
  await actor("timer").startTimer();
  const blink = await fired.first((event) => event.id === "timer" && event.what === "timer");
  assert.equal(blink.data, 5);

  await actor("timer").stopTimer();
});

test("a reminder fires with its data and is known to the sidecar", async () => {
  await actor("reminded").startReminder();
  const event = await fired.first((seen) => seen.id === "reminded");
  assert.equal(event.data, "tea");

  const known = await raw("/v1.0/actors/Counter/reminded/reminders/wake");
  assert.equal(known.status, 200);
  assert.equal((await known.json()).data, "tea");

  await actor("reminded").stopReminder();
  assert.equal((await raw("/v1.0/actors/Counter/reminded/reminders/wake")).status, 404);
});

test("the sidecar counts the actors that are active", async () => {
  const { actors } = await (await raw("/v1.0/metadata")).json();

  assert.ok(actors.find((type) => type.type === "Counter").count >= 5);
});

test("a type that nobody hosts has no address", async () => {
  const answer = await raw("/v1.0/actors/Nobody/1/method/run", { method: "POST" });

  assert.equal(answer.status, 404);
  assert.equal((await answer.json()).errorCode, "ERR_ACTOR_NO_ADDRESS");
});
