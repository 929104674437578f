// What the page loads by itself, before the app.

import "./start.js";
import "./watch.js";
