// The app as a server on loopback, on the port that PORT names.
"use strict";

const app = require("./app.js");

app.listen(Number(process.env.PORT), "127.0.0.1");
