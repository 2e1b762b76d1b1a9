// The app that Lethe is measured against, written as the documentation of atlassian-connect-express shows it: Express, a JSON body parser, its own
// middleware, its DynamoDB store. It does as little as it can: no access log, no templates, no compression, and it asks no site who administers it.
// Installs and webhooks have the routes that the library makes from the descriptor. `server.js` and `lambda.mjs` say how it is reached.
//
// From the environment: AC_LOCAL_BASE_URL (the base URL, with the app's path), CONNECT_KEYS_CDN_URL (where install keys are published, as the
// library itself names it), AWS_ENDPOINT_URL, AWS_REGION and AWS credentials.
"use strict";

const express = require("express");
const ace = require("atlassian-connect-express");

// The library looks for `config.json` and `atlassian-connect.json` in the working directory.
process.chdir(__dirname);

const app = express();
app.disable("x-powered-by");
const addon = ace(app);
app.use(express.json());
app.use(express.urlencoded({ extended: false }));
app.use(addon.middleware());

const base = new URL(addon.config.localBaseUrl()).pathname;

// What a page in an iframe of the site shows of the tenant: known once the token is proved, so nothing more is read.
app.get(`${base}/account`, addon.authenticate(), (req, res) => {
  const { clientKey, hostBaseUrl, userAccountId, addonKey } = req.context;
  res.json({ addonKey, clientKey, hostBaseUrl, userAccountId });
});

// What a page asks for with a context token: one stored value of the tenant.
app.get(`${base}/configuration/:name`, addon.authenticate(true), async (req, res, next) => {
  try {
    const value = await addon.settings.get(`configuration:${req.params.name}`, req.context.clientKey);
    if (value === undefined) {
      res.status(404).end();
    } else {
      res.json(value);
    }
  } catch (error) {
    next(error);
  }
});

app.put(`${base}/configuration/:name`, addon.authenticate(true), async (req, res, next) => {
  try {
    await addon.settings.set(`configuration:${req.params.name}`, req.body, req.context.clientKey);
    res.status(204).end();
  } catch (error) {
    next(error);
  }
});

module.exports = app;
