// All claims, in one process: they share the browser and the ports, and run one after the other.
import "./watched.js";
import "./story.js";
import "./leaving.js";
import "./rights.js";
import "./keyboard.js";
import "./hostile.js";
import "./admins.js";
import "./attachments.js";
import "./issues.js";
import "./telemetry.js";
import "./outside.js";
import "./headers.js";
import "./weight.js";
import "./looks.js";
import "./pictures.js";
import { hold } from "./lib/world.js";

hold();
