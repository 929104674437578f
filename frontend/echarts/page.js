// What the page loads by itself, before the app.

import { ask, dress, isActing, setAges, setHead } from "./ask.js";
import "./start.js";
import "./watch.js";
import { write } from "./write.js";

// What the app calls.
window.page = { ask, dress, isActing, setAges, setHead, write };
