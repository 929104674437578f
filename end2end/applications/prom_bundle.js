// An application with the lines that README has for express-prom-bundle, which the test hands on.

const express = require("express");

const app = express();
eval(process.env.LINES);
require("./routes")(app);
app.listen(process.env.PORT, "127.0.0.1");
