// An application that knows nothing of being watched.

const express = require("express");

const app = express();
require("./routes")(app);
app.listen(process.env.PORT, "127.0.0.1");
