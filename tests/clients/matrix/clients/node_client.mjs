// One operation of the AWS SDK for JavaScript: takes it as JSON in the first
// argument and prints what came of it as JSON.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const job = JSON.parse(process.argv[2]);
// The packages live where the caller has installed them, not beside this file.
const require = createRequire(path.join(job.modules, "from-here.js"));
const sdk = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");

if (job.virtual) {
  // All names lead to this machine: the system knows none with a wildcard.
  const dns = require("node:dns");
  dns.lookup = (host, options, done = options) =>
    options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
}

const client = new sdk.S3Client({
  endpoint: job.url,
  region: job.region,
  credentials: { accessKeyId: job.access, secretAccessKey: job.secret },
  forcePathStyle: !job.virtual,
});

const at = { Bucket: job.bucket, Key: job.key };
const extra = { Metadata: job.meta ?? undefined, ContentType: job.kind ?? undefined };
const operations = {
  put: () => client.send(new sdk.PutObjectCommand({ ...at, ...extra, Body: readFileSync(job.file) })),
  "put-stream": () =>
    client.send(new sdk.PutObjectCommand({ ...at, Body: createReadStream(job.file), ContentLength: job.length })),
  upload: () =>
    new Upload({ client, params: { ...at, Body: createReadStream(job.file) }, partSize: 8 << 20, queueSize: job.queue }).done(),
  get: () => client.send(new sdk.GetObjectCommand({ ...at, Range: job.range ?? undefined })),
  head: () => client.send(new sdk.HeadObjectCommand(at)),
  list: () => client.send(new sdk.ListObjectsV2Command({ Bucket: job.bucket, Prefix: job.key })),
  delete: () => client.send(new sdk.DeleteObjectCommand(at)),
  "delete-many": () =>
    client.send(
      new sdk.DeleteObjectsCommand({ Bucket: job.bucket, Delete: { Objects: job.keys.map((Key) => ({ Key })) } }),
    ),
};

const hidden = new Set(["$metadata", "LastModified", "Location"]);

async function plain(answer) {
  const out = {};
  for (const [name, value] of Object.entries(answer)) {
    if (hidden.has(name)) continue;
    out[name] = name === "Body" ? await digest(value) : value;
  }
  for (const item of out.Contents ?? []) delete item.LastModified;
  return out;
}

async function digest(body) {
  const bytes = await body.transformToByteArray();
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

let result;
try {
  const answer = await operations[job.operation]();
  const meta = answer.$metadata ?? {};
  result = { status: meta.httpStatusCode, attempts: meta.attempts, answer: await plain(answer) };
} catch (error) {
  const meta = error.$metadata ?? {};
  result = { error: error.name, text: error.message, status: meta.httpStatusCode, attempts: meta.attempts };
}
console.log(JSON.stringify(result));
client.destroy();
