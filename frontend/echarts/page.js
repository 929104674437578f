// What the page loads by itself, before the app.

import { ask, dress, forget, isActing, setAges, setHead } from "./ask.js";
import { move } from "./move.js";
import "./start.js";
import "./watch.js";
import { write } from "./write.js";

// What the app calls.
window.page = { ask, dress, forget, isActing, move, setAges, setHead, write };
