// Runs `ls -la` as a job, and stops a second one. Usage: node main_job.js CLIENT.toml
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { parse } from "smol-toml";

const beside = fileURLToPath(new URL("../../api/src/main/proto", import.meta.url));
const protos = process.env.JOB_WORKER_PROTOS ?? beside;
const contract = loadSync("jobworker/v1/job_worker.proto", {
  includeDirs: [protos],
  keepCase: true,
  enums: String,
  longs: String, // of 64 bits, which a number does not hold
  defaults: true,
});
const { JobWorker } = grpc.loadPackageDefinition(contract).jobworker.v1;

/** The server that the file, which `job-worker-server client add` has written, is for. */
function connect(file) {
  const me = parse(readFileSync(file, "utf8"));
  const pem = (name) => Buffer.from(me[name]);
  return new JobWorker(
    me.address,
    grpc.credentials.createSsl(pem("ca"), pem("key"), pem("cert")),
  );
}

async function main(server) {
  const call = (method, request) => promisify(server[method].bind(server))(request);
  const job = await call("Start", { spec: { command: ["ls", "-la"] } });
  console.log(`${job.id} is ${(await call("Status", { id: job.id })).status}`);
  for await (const message of server.Logs({ id: job.id })) { // until the job ends
    if (message.dropped_bytes !== "0") {
      console.error(`${message.dropped_bytes} bytes are kept no more`);
    }
    const out = message.stream === "STREAM_STDERR" ? process.stderr : process.stdout;
    out.write(message.log);
  }
  const ended = await call("Status", { id: job.id });
  console.log(`${job.id} is ${ended.status} with exit code ${ended.exit_code}`);
  const second = await call("Start", { spec: { command: ["sleep", "1000"] } });
  console.log(`${second.id} is ${(await call("Stop", { id: second.id })).status}`);
}

const server = connect(process.argv[2]);
try {
  await main(server);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  server.close();
}
