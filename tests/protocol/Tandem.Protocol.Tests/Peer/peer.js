// An independent gRPC peer. "client ADDRESS": calls our server and prints what it got, a JSON line per call.
// "server": serves on a free port and prints it. Messages are google.protobuf.StringValue, coded by hand.
'use strict';
const grpc = require('@grpc/grpc-js');

const encode = (text) => {
  const bytes = Buffer.from(text, 'utf8');
  const size = [];
  for (let n = bytes.length; ; n >>>= 7) {
    if (n < 0x80) { size.push(n); break; }
    size.push((n & 0x7f) | 0x80);
  }
  return bytes.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...size]), bytes]);
};
const decode = (buffer) => {
  if (buffer.length === 0) return '';
  let at = 1;
  while (buffer[at++] & 0x80);
  return buffer.subarray(at).toString('utf8');
};
const method = (name, responseStream) => ({
  path: `/Echo/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
});
const definition = { Say: method('Say', false), Fail: method('Fail', false), Wait: method('Wait', false), Repeat: method('Repeat', true) };
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function client(address) {
  const Client = grpc.makeGenericClientConstructor(definition, 'Echo');
  const peer = new Client(address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set('dapr-api-token', 'token');
  const call = (name, text, options = {}) => new Promise((resolve) => peer[name](text, metadata, options, (error, answer) =>
    resolve(error ? { code: error.code, details: error.details } : { answer })));

  print(await call('Say', 'héllo'));
  print({ length: (await call('Say', 'x'.repeat(300000))).answer.length });
  print(await call('Fail', '100 % 재활용'));
  print(await call('Wait', '', { deadline: Date.now() + 200 }));
  const received = [];
  await new Promise((resolve, reject) => peer.Repeat('abc', metadata)
    .on('data', (text) => received.push(text)).on('error', reject).on('end', resolve));
  print({ received });
  await new Promise((resolve) => {
    const stream = peer.Repeat('', metadata);
    stream.on('data', () => {}).on('error', (error) => { print({ code: error.code }); resolve(); });
    stream.on('metadata', () => stream.cancel());
  });
  peer.close();
}

function server() {
  const running = new grpc.Server();
  running.addService(definition, {
    Say: (call, done) => done(null, call.request),
    Fail: (call, done) => done({ code: grpc.status.ALREADY_EXISTS, details: call.request }),
    Wait: () => {},
    Repeat: (call) => {
      for (const letter of call.request) call.write(letter);
      call.end();
    },
  });
  running.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    print({ port });
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}

process.argv[2] === 'client' ? client(process.argv[3]) : server();
