// The app on Lambda: serverless-http in front of it, in the loop of a custom runtime.
import http from "node:http";

import serverless from "serverless-http";

import app from "./app.js";

const answer = serverless(app);

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });

/** One call to the runtime's API. */
function call(method, target, body) {
  return new Promise((resolve, reject) => {
    const options = { agent, hostname, port, method, path: `/2018-06-01/runtime/invocation/${target}` };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const { headers, body } = await call("GET", "next");
  const answered = await answer(JSON.parse(body), {});
  await call("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answered));
}
