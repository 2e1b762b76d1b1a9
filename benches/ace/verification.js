// What Node takes to verify a token and the hash of the request that it covers, with Atlassian's own library. The first line in says what is to be
// verified, every other line how often; each is answered by a line: the microseconds of CPU that one verification took.
"use strict";

const jwt = require("atlassian-jwt");
const readline = require("node:readline");

let given;

function verify({ token, secret, request, baseUrl }) {
  const claims = jwt.decodeSymmetric(token, secret, jwt.SymmetricAlgorithm.HS256, false);
  if (claims.exp <= Date.now() / 1000 || claims.qsh !== jwt.createQueryStringHash(request, false, baseUrl)) {
    throw new Error("the token is not good");
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  if (given === undefined) {
    given = JSON.parse(line);
    // Express has parsed the address when the library comes to it, so that is not counted.
    given.request = jwt.fromMethodAndUrl("GET", given.target);
    return;
  }
  const times = Number(line);
  const began = process.cpuUsage();
  for (let time = 0; time < times; time += 1) {
    verify(given);
  }
  const { user, system } = process.cpuUsage(began);
  process.stdout.write(`${(user + system) / times}\n`);
});
