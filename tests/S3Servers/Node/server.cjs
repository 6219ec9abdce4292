// An S3 server in a folder of its own, until the test process that started it is gone. Prints its port.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const S3rver = require('s3rver');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 's3rver-'));
new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory }).run((error, { port } = {}) => {
  if (error) throw error;
  console.log(port);
});
process.stdin.on('end', () => {
  fs.rmSync(directory, { recursive: true, force: true });
  process.exit(0);
}).resume();
